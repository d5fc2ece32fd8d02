#include "mod_socket_handoff/handoff_payload.h"

#include <apr_tables.h>

#include "mod_socket_handoff/payload.h"

namespace socket_handoff {
namespace {

bool is_one_of(const char* name, std::span<const char* const> names) {
  for (const char* wanted : names) {
    if (strcasecmp(name, wanted) == 0) return true;
  }
  return false;
}

// Of a relayed answer Apache writes the head, with the handler's headers. The daemon's Cache-Control replaces the
// handler's there, so the daemon has to know that one.
bool is_for_the_daemon(const char* name, AnswerGoes way) {
  return way == AnswerGoes::kToTheClient || strcasecmp(name, "Cache-Control") == 0;
}

void collect(const apr_table_t* table, std::span<const char* const> names, AnswerGoes way, apr_array_header_t* fields) {
  const apr_array_header_t* array = apr_table_elts(table);
  const auto* entries = reinterpret_cast<const apr_table_entry_t*>(array->elts);
  for (int i = 0; i < array->nelts; ++i) {
    if (!is_one_of(entries[i].key, names) || !is_for_the_daemon(entries[i].key, way)) continue;
    *static_cast<HeaderField*>(apr_array_push(fields)) = {entries[i].key, entries[i].val};
  }
}

// The path of a request's target: without the query, which may hold what is no business of a log, and of a target in
// absolute form without the scheme and host.
std::string_view path_of(std::string_view target) {
  if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    target.remove_prefix(scheme + 3);
    const std::size_t host = target.find_first_of("/?");
    target.remove_prefix(host == std::string_view::npos ? target.size() : host);
    if (!target.starts_with('/')) return "/";
  }
  const std::size_t query = target.find('?');
  return query == std::string_view::npos ? target : std::string_view(target.data(), query);
}

const request_rec* as_the_client_sent_it(const request_rec* r) {
  while (r->prev) r = r->prev;
  return r;
}

// What the client takes. Apache frames a relayed answer anew, so it asks for chunks, by whose end it sees a broken one.
std::string_view protocol_of(const request_rec* r, AnswerGoes way) {
  if (way == AnswerGoes::kThroughApache) return "HTTP/1.1";
  const bool is_to_be_older =
      apr_table_get(r->subprocess_env, "downgrade-1.0") || apr_table_get(r->subprocess_env, "force-response-1.0");
  return is_to_be_older ? "HTTP/1.0" : r->protocol;
}

ApacheFacts facts_of(const request_rec* r, AnswerGoes way) {
  ApacheFacts facts;
  if (const char* id = apr_table_get(r->subprocess_env, "UNIQUE_ID")) facts.request_id = id;
  if (r->useragent_ip) facts.client = r->useragent_ip;
  if (r->method) facts.method = r->method;
  if (const char* target = as_the_client_sent_it(r)->unparsed_uri) facts.uri = path_of(target);
  facts.protocol = protocol_of(r, way);
  return facts;
}

}  // namespace

Payload make_payload(request_rec* r, std::string_view data, const Settings& settings, AnswerGoes way) {
  const std::optional<std::string_view> rest = rest_of_object(data);
  if (!rest) return {.front = {}, .rest = data, .is_json_object = false};

  ApacheFacts facts = facts_of(r, way);
  apr_array_header_t* fields = apr_array_make(r->pool, 4, sizeof(HeaderField));
  const HeaderNames::Value names = settings.forward_headers();
  collect(r->err_headers_out, names.span(), way, fields);
  collect(r->headers_out, names.span(), way, fields);
  facts.headers = {reinterpret_cast<const HeaderField*>(fields->elts), static_cast<std::size_t>(fields->nelts)};

  JsonText size;
  write_front(size, facts, *rest);
  JsonText front(static_cast<char*>(apr_palloc(r->pool, size.size())), size.size());
  write_front(front, facts, *rest);
  return {.front = front.text(), .rest = *rest, .is_json_object = true};
}

}  // namespace socket_handoff
