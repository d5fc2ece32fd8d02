#include "mod_socket_handoff/daemon_answer.h"

#include "mod_socket_handoff/json.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

constexpr int kMaxRetryAfterSeconds = 86'400;

// The number of this text, or -1 where it is none from `minimum` to `maximum`.
int number(std::string_view text, int minimum, int maximum) {
  int value = 0;
  if (text.empty()) return -1;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return -1;
    value = value * 10 + (digit - '0');
    if (value > maximum) return -1;
  }
  return value < minimum ? -1 : value;
}

// A refusal is one whatever follows: what cannot be read leaves the defaults.
void read_refusal(std::string_view text, DaemonAnswer& answer) {
  JsonScanner scanner(text);
  if (!scanner.take('{')) return;
  JsonScanner::Member member;
  do {
    if (!scanner.take_member(member)) return;
    if (member.name == "\"status\"") {
      if (const int status = number(member.value, 400, 599); status > 0) answer.status = status;
    } else if (member.name == "\"retry_after\"") {
      if (const int seconds = number(member.value, 1, kMaxRetryAfterSeconds); seconds > 0) {
        answer.retry_after_seconds = seconds;
      }
    }
  } while (scanner.take(','));
}

}  // namespace

DaemonAnswer parse_daemon_answer(std::string_view text) {
  DaemonAnswer answer;
  if (text.empty()) return answer;
  if (text == std::string_view(&handoff_protocol::kAccepted, 1)) {
    answer.kind = DaemonAnswer::Kind::kAccepted;
    answer.is_whole = true;
  } else if (text.front() == handoff_protocol::kRefused) {
    text.remove_prefix(1);
    answer.kind = DaemonAnswer::Kind::kRefused;
    answer.is_whole = is_json_object(text);
    read_refusal(text, answer);
  } else {
    answer.kind = DaemonAnswer::Kind::kNotAnAnswer;
    answer.is_whole = true;
  }
  return answer;
}

}  // namespace socket_handoff
