#include "mod_socket_handoff/handoff_payload.h"

#include <apr_tables.h>

#include <cstring>

#include "mod_socket_handoff/apache_member.h"

namespace socket_handoff {
namespace {

bool is_one_of(const char* name, std::span<const char* const> names) {
  for (const char* wanted : names) {
    if (strcasecmp(name, wanted) == 0) return true;
  }
  return false;
}

void collect(const apr_table_t* table, std::span<const char* const> names, apr_array_header_t* fields) {
  const apr_array_header_t* array = apr_table_elts(table);
  const auto* entries = reinterpret_cast<const apr_table_entry_t*>(array->elts);
  for (int i = 0; i < array->nelts; ++i) {
    if (!is_one_of(entries[i].key, names)) continue;
    *static_cast<HeaderField*>(apr_array_push(fields)) = {entries[i].key, entries[i].val};
  }
}

std::string_view without_query(const char* uri) {
  return uri ? std::string_view(uri, std::strcspn(uri, "?")) : std::string_view();
}

const request_rec* as_the_client_sent_it(const request_rec* r) {
  while (r->prev) r = r->prev;
  return r;
}

ApacheFacts facts_of(const request_rec* r) {
  ApacheFacts facts;
  if (const char* id = apr_table_get(r->subprocess_env, "UNIQUE_ID")) facts.request_id = id;
  if (r->useragent_ip) facts.client = r->useragent_ip;
  if (r->method) facts.method = r->method;
  // Not the query, which may hold what is no business of a log.
  facts.uri = without_query(as_the_client_sent_it(r)->unparsed_uri);
  return facts;
}

}  // namespace

Payload make_payload(request_rec* r, std::string_view data, const Settings& settings, ResponseHeaders headers) {
  const std::optional<std::string_view> rest = rest_of_object(data);
  if (!rest) return {.front = {}, .rest = data, .is_json_object = false};

  ApacheFacts facts = facts_of(r);
  apr_array_header_t* fields = apr_array_make(r->pool, 4, sizeof(HeaderField));
  if (headers == ResponseHeaders::kPassOn) {
    const HeaderNames::Value names = settings.forward_headers();
    collect(r->err_headers_out, names.span(), fields);
    collect(r->headers_out, names.span(), fields);
  }
  facts.headers = {reinterpret_cast<const HeaderField*>(fields->elts), static_cast<std::size_t>(fields->nelts)};

  JsonText size;
  write_front(size, facts, *rest);
  JsonText front(static_cast<char*>(apr_palloc(r->pool, size.size())), size.size());
  write_front(front, facts, *rest);
  return {.front = front.text(), .rest = *rest, .is_json_object = true};
}

}  // namespace socket_handoff
