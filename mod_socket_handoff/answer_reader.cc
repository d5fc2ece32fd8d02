#include "mod_socket_handoff/answer_reader.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "mod_socket_handoff/deadline.h"

namespace socket_handoff {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1024;

bool wait_until_readable(int daemon, const Deadline& deadline) {
  pollfd poll = {.fd = daemon, .events = POLLIN, .revents = 0};
  int ready;
  do {
    ready = ::poll(&poll, 1, deadline.remaining_ms());
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

ReceivedAnswer conclude(const DaemonAnswer& answer, bool is_closed) {
  switch (answer.kind) {
    case DaemonAnswer::Kind::kAccepted:
    case DaemonAnswer::Kind::kRefused:
      return {ReceivedAnswer::End::kAnswered, answer};
    case DaemonAnswer::Kind::kNothing:
      return {is_closed ? ReceivedAnswer::End::kClosed : ReceivedAnswer::End::kUndecided, answer};
    case DaemonAnswer::Kind::kNotAnAnswer:
      break;
  }
  return {ReceivedAnswer::End::kUndecided, answer};
}

}  // namespace

ReceivedAnswer receive_answer(int daemon, std::chrono::milliseconds time_allowed) {
  const Deadline deadline(time_allowed);
  char text[kMaxAnswerBytes];
  std::size_t length = 0;
  while (true) {
    // First of all, as the answer is never there yet when the message was just sent.
    if (!wait_until_readable(daemon, deadline)) return conclude(parse_daemon_answer({text, length}), false);
    const ssize_t received = ::recv(daemon, text + length, sizeof text - length, MSG_DONTWAIT);
    if (received > 0) {
      length += static_cast<std::size_t>(received);
      const DaemonAnswer answer = parse_daemon_answer({text, length});
      if (answer.is_whole || length == sizeof text) return conclude(answer, false);
    } else if (received == 0 || (errno != EINTR && errno != EAGAIN)) {
      // End of file, or ECONNRESET of a daemon that died before it had received the hand-off.
      return conclude(parse_daemon_answer({text, length}), true);
    }
  }
}

}  // namespace socket_handoff
