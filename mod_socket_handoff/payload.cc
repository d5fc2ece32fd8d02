#include "mod_socket_handoff/payload.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/json.h"

namespace socket_handoff {
namespace {

void write_fact(JsonText& text, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  text.write(",\"");
  text.write(name);
  text.write("\":");
  text.write_string(value);
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    SH_CHECK(static_cast<std::size_t>(written) <= text.size());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::optional<std::string_view> rest_of_object(std::string_view payload) {
  if (!is_json_object(payload)) return std::nullopt;
  const std::size_t brace = payload.find('{');
  SH_CHECK(brace != std::string_view::npos);
  payload.remove_prefix(brace + 1);
  return payload;
}

void write_front(JsonText& text, const ApacheFacts& facts, std::string_view rest) {
  text.write("{\"apache\":{\"headers\":[");
  bool is_first = true;
  for (const HeaderField& header : facts.headers) {
    text.write(is_first ? "[" : ",[");
    text.write_string(header.name);
    text.write(",");
    text.write_string(header.value);
    text.write("]");
    is_first = false;
  }
  text.write("]");
  write_fact(text, "request_id", facts.request_id);
  write_fact(text, "client", facts.client);
  write_fact(text, "method", facts.method);
  write_fact(text, "uri", facts.uri);
  write_fact(text, "protocol", facts.protocol);
  text.write("}");
  if (!JsonScanner(rest).take('}')) text.write(",");
}

UniqueDescriptor make_payload_file(const Payload& payload) {
  UniqueDescriptor file(::memfd_create("socket-handoff", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || !write_all(file.get(), payload.front) || !write_all(file.get(), payload.rest)) return {};
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return {};
  return file;
}

}  // namespace socket_handoff
