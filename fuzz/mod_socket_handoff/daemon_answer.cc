// SPDX-License-Identifier: Apache-2.0
// The daemon's answer: another program's words, of which only a status and a number of seconds are believed.

#include "mod_socket_handoff/daemon_answer.h"

#include "fuzz/mod_socket_handoff/json_oracle.h"

namespace socket_handoff {
namespace {

using Kind = DaemonAnswer::Kind;

Kind expected_kind(std::string_view text) {
  if (text.empty()) return Kind::kNothing;
  if (text == "A" || text == R"(A{"relay":true})") return Kind::kAccepted;
  return text.front() == 'R' ? Kind::kRefused : Kind::kNotAnAnswer;
}

// The only member of that name, as a whole number in this range; else the default.
int member(const rapidjson::Document& object, const char* name, int minimum, int maximum, int standard) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsInt()) return standard;
  const int value = found->value.GetInt();
  return value >= minimum && value <= maximum ? value : standard;
}

bool has_twice(const rapidjson::Document& object, const char* name) {
  int count = 0;
  for (const auto& entry : object.GetObject()) count += entry.name == name;
  return count > 1;
}

void must_be_read_rightly(std::string_view json, const DaemonAnswer& answer) {
  const fuzz::JsonOpinion opinion = fuzz::parse_json(json);
  fuzz::must_agree(answer.is_whole, opinion, json);
  if (!answer.is_whole || !opinion.is_object || json.find('\\') != std::string_view::npos) return;
  const rapidjson::Document& object = opinion.document;
  if (!has_twice(object, "status")) MUST(answer.status == member(object, "status", 400, 599, 503));
  if (!has_twice(object, "retry_after")) {
    MUST(answer.retry_after_seconds == member(object, "retry_after", 1, 86'400, 0));
  }
}

// It comes in pieces over a SOCK_STREAM connection: no piece but the last one makes it whole.
void must_not_be_whole_early(std::string_view text) {
  for (std::size_t length = text.rfind('}'); length > 0; --length) {
    MUST(!parse_daemon_answer(text.substr(0, length)).is_whole);
  }
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  const std::string text(fuzz::text(data, std::min<std::size_t>(size, 512)));
  const DaemonAnswer answer = parse_daemon_answer(text);
  MUST(answer.kind == expected_kind(text));
  MUST(answer.is_relay_only == (answer.kind == Kind::kAccepted && text != "A"));
  MUST(answer.status >= 400 && answer.status <= 599);
  MUST(answer.retry_after_seconds >= 0 && answer.retry_after_seconds <= 86'400);
  MUST(answer.kind == Kind::kRefused || (answer.status == 503 && answer.retry_after_seconds == 0));
  if (answer.kind != Kind::kRefused) return 0;
  must_be_read_rightly(std::string_view(text).substr(1), answer);
  if (answer.is_whole) must_not_be_whole_early(text);
  return 0;
}
