// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/daemon_answer.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/json.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

constexpr int kMaxRetryAfterSeconds = 86'400;
constexpr int kMaxConnectionVersion = 255;  // it is one byte of the part

// The number that the text is, or -1 if it is not a number from `minimum` to `maximum`.
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

// A member's name has its quotation marks.
bool is_name(const JsonScanner::Member& member, std::string_view name) {
  std::string_view unquoted = member.name;
  unquoted.remove_prefix(1);
  unquoted.remove_suffix(1);
  return unquoted == name;
}

// An answer that begins as a refusal is a refusal. What cannot be parsed leaves the defaults.
void read_refusal(std::string_view text, DaemonAnswer& answer) {
  JsonScanner scanner(text);
  if (!scanner.take('{')) return;
  JsonScanner::Member member;
  do {
    if (!scanner.take_member(member)) return;
    if (is_name(member, "status")) {
      if (const int status = number(member.value, 400, 599); status > 0) answer.status = status;
    } else if (is_name(member, "retry_after")) {
      if (const int seconds = number(member.value, 1, kMaxRetryAfterSeconds); seconds > 0) {
        answer.retry_after_seconds = seconds;
      }
    } else if (is_name(member, handoff_protocol::kKnownConnectionVersion)) {
      if (const int version = number(member.value, 1, kMaxConnectionVersion); version > 0) {
        answer.connection_version = version;
      }
    }
  } while (scanner.take(','));
}

constexpr std::size_t kMaxAnswerBytes = 1024;

bool wait_until_readable(int daemon, const Deadline& deadline) {
  pollfd poll = {.fd = daemon, .events = POLLIN, .revents = 0};
  int ready;
  do {
    ready = ::poll(&poll, 1, deadline.remaining_ms());
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// The kernel looks at the queue first, and then whether the peer has closed. If a daemon answers and closes in between,
// the kernel reports the end although the answer is queued (3 times in 1,000,000). The second receive finds the answer.
ssize_t receive_piece(int daemon, char* buffer, std::size_t size) {
  const ssize_t received = ::recv(daemon, buffer, size, MSG_DONTWAIT);
  return received == 0 ? ::recv(daemon, buffer, size, MSG_DONTWAIT) : received;
}

// `at_the_end` is the result if nothing has come.
ReceivedAnswer conclude(const DaemonAnswer& answer, ReceivedAnswer::End at_the_end) {
  switch (answer.kind) {
    case DaemonAnswer::Kind::kAccepted:
    case DaemonAnswer::Kind::kRefused:
      return {ReceivedAnswer::End::kAnswered, answer};
    case DaemonAnswer::Kind::kNothing:
      return {at_the_end, answer};
    case DaemonAnswer::Kind::kNotAnAnswer:
      break;
  }
  return {ReceivedAnswer::End::kUndecided, answer};
}

}  // namespace

DaemonAnswer parse_daemon_answer(std::string_view text) {
  DaemonAnswer answer;
  if (text.empty()) return answer;
  const std::string_view follows = text.substr(1);
  if (text.front() == handoff_protocol::kAccepted && (follows.empty() || follows == handoff_protocol::kRelayOnly)) {
    answer.kind = DaemonAnswer::Kind::kAccepted;
    answer.is_relay_only = !follows.empty();
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
  SH_CHECK(answer.status >= 400 && answer.status <= 599);
  SH_CHECK(answer.retry_after_seconds >= 0 && answer.retry_after_seconds <= kMaxRetryAfterSeconds);
  return answer;
}

ReceivedAnswer receive_answer(int daemon, std::chrono::milliseconds time_allowed) {
  const Deadline deadline(time_allowed);
  char text[kMaxAnswerBytes];
  std::size_t length = 0;
  while (true) {
    SH_CHECK(length < sizeof text);
    // Wait before the first receive: the message was just sent, so the answer cannot be there yet.
    if (!wait_until_readable(daemon, deadline)) {
      return conclude(parse_daemon_answer({text, length}), ReceivedAnswer::End::kUndecided);
    }
    const ssize_t received = receive_piece(daemon, text + length, sizeof text - length);
    if (received > 0) {
      length += static_cast<std::size_t>(received);
      SH_CHECK(length <= sizeof text);
      const DaemonAnswer answer = parse_daemon_answer({text, length});
      if (answer.is_whole || length == sizeof text) return conclude(answer, ReceivedAnswer::End::kUndecided);
    } else if (received == 0 || (errno != EINTR && errno != EAGAIN)) {
      // The kernel reports ECONNRESET if the message was still in the daemon's queue.
      const bool is_reset = received < 0;
      return conclude(parse_daemon_answer({text, length}),
                      is_reset ? ReceivedAnswer::End::kReset : ReceivedAnswer::End::kClosed);
    }
  }
}

}  // namespace socket_handoff
