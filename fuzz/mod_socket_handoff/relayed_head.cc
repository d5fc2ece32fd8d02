// SPDX-License-Identifier: Apache-2.0
// The head of an answer that Apache relays: the fields that are passed on can
// neither add a line to the response nor frame it anew, and it is whole at its
// last byte and no earlier.

#include "mod_socket_handoff/relayed_answer.h"

#include <strings.h>

#include <vector>

#include "fuzz/property.h"

namespace socket_handoff {
namespace {

using State = RelayedHead::State;

struct Line {
  std::string name, value;
  bool operator==(const Line&) const = default;
};

bool is_own(const std::string& name) {
  for (const char* own : {"Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Trailer", "Keep-Alive"}) {
    if (strcasecmp(name.c_str(), own) == 0) return true;
  }
  return false;
}

std::vector<Line> fields_of(RelayedHead& head, std::string_view received) {
  std::vector<Line> fields;
  for (RelayedHead::Field field; head.next_field(field);) {
    MUST(fuzz::lies_in(field.name, received) && fuzz::lies_in(field.value, received));
    const Line& line = fields.emplace_back(Line{std::string(field.name), std::string(field.value)});
    MUST(!line.name.empty() && line.name.find_first_of(": \t\r\n") == std::string::npos && !is_own(line.name));
    MUST(line.name.find('\0') == std::string::npos && line.value.find('\0') == std::string::npos);
    MUST(line.value.find_first_of("\r\n") == std::string::npos);
    MUST(line.value.find_first_not_of(" \t") == (line.value.empty() ? std::string::npos : 0));
  }
  return fields;
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  const std::string received(fuzz::text(data, size));
  RelayedHead head(received);
  if (head.state() == State::kIncomplete) {
    MUST(received.find("\n\n") == std::string::npos && received.find("\n\r\n") == std::string::npos);
    return 0;
  }
  if (head.size() == 0) return 0;  // it is too long
  MUST(head.size() <= received.size() && received[head.size() - 1] == '\n');
  for (std::size_t cut = std::min<std::size_t>(head.size(), 400); cut-- > 0;) {
    MUST(RelayedHead(std::string_view(received).substr(0, cut)).state() == State::kIncomplete);
  }
  if (head.state() == State::kInvalid) return 0;
  MUST(head.status() >= 200 && head.status() <= 599);
  const std::vector<Line> fields = fields_of(head, received);

  // What follows makes no difference; and what was read, written again, is read
  // the same.
  std::string again = "HTTP/1.1 " + std::to_string(head.status()) + " Again\r\n";
  for (const Line& line : fields) again += line.name + ": " + line.value + "\r\n";
  again += "\r\nX-Body: not a field\r\n\r\n";
  RelayedHead same(again);
  MUST(again.size() > kMaxRelayedHeadBytes || (same.state() == State::kComplete && same.status() == head.status()));
  MUST(again.size() > kMaxRelayedHeadBytes || fields_of(same, again) == fields);
  return 0;
}
