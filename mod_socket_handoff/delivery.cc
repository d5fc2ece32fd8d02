// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/delivery.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/daemon_answer.h"
#include "mod_socket_handoff/handoff_message.h"
#include "protocol/connection_part.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

void sleep_for(std::chrono::microseconds pause) {
  ::poll(nullptr, 0, static_cast<int>((pause.count() + 999) / 1000));
}

// Every daemon reads this many bytes at once. Of more data, a daemon that has taken the client can have left a part
// unread.
constexpr std::size_t kMaxBytesReadAtOnce = 4096;

// Whether the client is still Apache's after the daemon has closed the connection without an answer. A daemon that has
// read keys may have used the numbers that Apache would go on with.
bool is_still_apaches(const DaemonConnection& daemon, ReceivedAnswer::End end, const Payload& payload,
                      AcknowledgedSockets& acknowledged) {
  if (acknowledged.contains(daemon.identity) && payload.keys.empty()) return true;
  return end == ReceivedAnswer::End::kReset && (daemon.type == SOCK_SEQPACKET || payload.size() <= kMaxBytesReadAtOnce);
}

void withhold_keys(Candidate& candidate, KeysProblem problem) {
  candidate.state = Candidate::State::kNotGivenKeys;
  candidate.keys_problem = problem;
}

KeysProblem check_daemon(const DaemonConnection& daemon, std::span<const uid_t> key_users) {
  // FastCGI's records begin with the part's first bytes, and keys can be any bytes: see is_fit_for_stream_socket().
  if (daemon.type == SOCK_STREAM) return KeysProblem::kStreamSocket;
  const uid_t user = listening_user(daemon);
  const bool is_trusted = user == 0 || user == ::geteuid() || user == daemon.owner ||
                          std::find(key_users.begin(), key_users.end(), user) != key_users.end();
  return is_trusted ? KeysProblem::kNone : KeysProblem::kUntrustedUser;
}

bool is_of_older_generation(const DaemonAnswer& refusal) {
  return refusal.connection_version < handoff_protocol::kTlsOnlyConnectionVersion;
}

Delivery::End read_answer(const DaemonConnection& daemon, Candidate& candidate, const Payload& payload,
                          std::chrono::milliseconds time_allowed, SocketMemory& sockets) {
  AcknowledgedSockets& acknowledged = sockets.acknowledged;
  const ReceivedAnswer received = receive_answer(daemon.socket.get(), time_allowed);
  switch (received.end) {
    case ReceivedAnswer::End::kAnswered:
      if (!acknowledged.contains(daemon.identity)) acknowledged.add(daemon.identity);
      if (received.answer.kind == DaemonAnswer::Kind::kAccepted) return Delivery::End::kTaken;
      if (!payload.keys.empty() && is_of_older_generation(received.answer)) {
        sockets.older_generation.add(candidate.path);
        withhold_keys(candidate, KeysProblem::kOlderGeneration);
        return Delivery::End::kNotTaken;
      }
      candidate.state = Candidate::State::kRefused;
      candidate.status = received.answer.status;
      candidate.retry_after_seconds = received.answer.retry_after_seconds;
      return Delivery::End::kNotTaken;
    case ReceivedAnswer::End::kClosed:
    case ReceivedAnswer::End::kReset:
      if (is_still_apaches(daemon, received.end, payload, acknowledged)) {
        candidate.state = Candidate::State::kClosedUnanswered;
        return Delivery::End::kNotTaken;
      }
      return acknowledged.contains(daemon.identity) ? Delivery::End::kWithoutAnswer : Delivery::End::kTakenSilently;
    case ReceivedAnswer::End::kUndecided:
      break;
  }
  return Delivery::End::kWithoutAnswer;
}

// Sends the payload in the message itself or, if it is too large for that, in a file beside it.
class PayloadSender {
 public:
  explicit PayloadSender(const Payload& payload) : payload_(payload) {}

  const Payload& payload() const { return payload_; }

  SendResult send(const DaemonConnection& daemon, int client, std::chrono::milliseconds time_allowed) {
    const int socket = daemon.socket.get();
    // A daemon that listens on SOCK_STREAM does not expect a file, and a stream has no limit on the payload's size.
    if (daemon.type == SOCK_STREAM) return send_handoff(socket, client, payload_, time_allowed);
    if (!file_ && payload_.keys.size() + payload_.size() <= handoff_protocol::kMaxInlinePayloadBytes) {
      const SendResult sent = send_handoff(socket, client, payload_, time_allowed);
      if (sent.error != EMSGSIZE) return sent;  // a small net.core.wmem_max can cause EMSGSIZE
    }
    if (!file_) file_ = make_payload_file(payload_);
    if (!file_) return {.client_is_gone = false, .error = errno};
    return send_handoff_with_file(socket, client, payload_.keys, file_.get(), time_allowed);
  }

 private:
  const Payload& payload_;
  UniqueDescriptor file_;  // created when it is needed, then used for each daemon that is tried
};

Delivery::End deliver_to(Candidate& candidate, const DaemonConnection& daemon, int client, PayloadSender& sender,
                         const DeliveryLimits& limits, SocketMemory& sockets) {
  if (!sender.payload().keys.empty()) {
    const KeysProblem problem = check_daemon(daemon, limits.key_users);
    if (problem != KeysProblem::kNone) {
      withhold_keys(candidate, problem);
      return Delivery::End::kNotTaken;
    }
  }
  const SendResult sent = sender.send(daemon, client, limits.send_timeout);
  candidate.error = sent.error;
  if (!sent.client_is_gone) {
    candidate.state = Candidate::State::kSendFailed;
    return Delivery::End::kNotTaken;
  }
  if (sent.error != 0) return Delivery::End::kTakenInPart;
  if (!limits.answer_timeout) return Delivery::End::kTaken;
  return read_answer(daemon, candidate, sender.payload(), *limits.answer_timeout, sockets);
}

int rank_of(const Candidate& candidate) {
  switch (candidate.state) {
    case Candidate::State::kRefused:
      return 2;
    case Candidate::State::kNotAllowed:
      return 0;
    default:
      return 1;
  }
}

}  // namespace

DaemonSearch::DaemonSearch(SocketMemory& sockets, std::span<Candidate> candidates, const SocketRules& rules,
                           const RetrySchedule& schedule)
    : sockets_(sockets),
      candidates_(candidates),
      rules_(rules),
      schedule_(schedule),
      deadline_(schedule.time_allowed()) {
}

Candidate* DaemonSearch::next(DaemonConnection& connection) {
  do {
    while (position_ < candidates_.size()) {
      Candidate& candidate = candidates_[position_++];
      if (attempt(candidate, connection)) return &candidate;
    }
  } while (wait_for_next_round());
  return nullptr;
}

bool DaemonSearch::attempt(Candidate& candidate, DaemonConnection& connection) {
  const bool is_new = candidate.attempts == 0 && candidate.state == Candidate::State::kUnreachable;
  if (!is_new && !candidate.may_be_reached_later()) return false;
  ++candidate.attempts;
  // Each attempt looks up the path again: a daemon that was restarted has a new socket under the same name.
  connection = connect_to_daemon(sockets_.known, candidate.path, rules_);
  candidate.error = connection.error;
  candidate.problem = connection.problem;
  if (connection.problem != PathProblem::kNone) candidate.state = Candidate::State::kNotAllowed;
  if (!connection.socket) return false;
  SH_CHECK(connection.problem == PathProblem::kNone && connection.error == 0 && connection.type != 0);
  candidate.state = Candidate::State::kConnected;
  return true;
}

// Not if another hand-off has just waited for it in vain.
bool DaemonSearch::is_worth_waiting_for(const Candidate& candidate) {
  if (!candidate.may_be_reached_later()) return false;
  return retries_ > 0 || !candidate.is_down() || !sockets_.unreachable.contains(candidate.path);
}

void DaemonSearch::remember_unreachable() {
  for (const Candidate& candidate : candidates_) {
    if (candidate.is_down()) sockets_.unreachable.add(candidate.path);
  }
}

bool DaemonSearch::wait_for_next_round() {
  // A daemon that is there and is not given keys can serve the client at once.
  const bool is_worth_it = !find_not_given_keys(candidates_) &&
                           std::any_of(candidates_.begin(), candidates_.end(), [this](const Candidate& candidate) {
                             return is_worth_waiting_for(candidate);
                           });
  if (!is_worth_it || !schedule_.allows_retry(retries_) || deadline_.has_passed()) {
    if (retries_ > 0) remember_unreachable();
    return false;
  }
  sleep_for(std::min(schedule_.pause_before(retries_), deadline_.remaining()));
  ++retries_;
  SH_CHECK(position_ == candidates_.size());
  position_ = 0;
  return true;
}

Delivery deliver(SocketMemory& sockets, int client, const Payload& payload, std::span<Candidate> candidates,
                 const DeliveryLimits& limits) {
  SH_CHECK(!candidates.empty() && (payload.keys.empty() || limits.answer_timeout));
  PayloadSender sender(payload);
  for (Candidate& candidate : candidates) {
    if (!payload.keys.empty() && sockets.older_generation.contains(candidate.path)) {
      withhold_keys(candidate, KeysProblem::kOlderGeneration);
    }
  }
  DaemonSearch search(sockets, candidates, limits.rules, limits.schedule);
  while (true) {
    // Closed only after the answer was read: a daemon that cannot deliver its refusal answers the client itself.
    DaemonConnection daemon;
    Candidate* candidate = search.next(daemon);
    if (!candidate) return {};
    const Delivery::End end = deliver_to(*candidate, daemon, client, sender, limits, sockets);
    SH_CHECK((end == Delivery::End::kNotTaken) == (candidate->state != Candidate::State::kConnected));
    if (end != Delivery::End::kNotTaken) return {end, candidate};
  }
}

const Candidate* find_not_given_keys(std::span<const Candidate> candidates) {
  for (const Candidate& candidate : candidates) {
    if (candidate.state == Candidate::State::kNotGivenKeys) return &candidate;
  }
  return nullptr;
}

const char* explain(KeysProblem problem) {
  switch (problem) {
    case KeysProblem::kNone:
      break;
    case KeysProblem::kOlderGeneration:
      return "is of an older generation, which takes no clients over TLS";
    case KeysProblem::kStreamSocket:
      return "listens on SOCK_STREAM, and keys are sent over SOCK_SEQPACKET only";
    case KeysProblem::kUntrustedUser:
      return "runs as a user who is given no keys; name the user in SocketHandoffTLSUsers if that is right";
  }
  return "is given keys";
}

const Candidate& decisive(std::span<const Candidate> candidates) {
  SH_CHECK(!candidates.empty());
  const Candidate* found = &candidates.front();
  for (const Candidate& candidate : candidates) {
    const bool is_later_refusal = candidate.state == Candidate::State::kRefused;
    if (rank_of(candidate) > rank_of(*found) || is_later_refusal) found = &candidate;
  }
  return *found;
}

}  // namespace socket_handoff
