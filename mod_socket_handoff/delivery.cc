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
  if (acknowledged.contains(daemon.identity) && payload.connection_part.empty()) return true;
  return end == ReceivedAnswer::End::kReset && (daemon.type == SOCK_SEQPACKET || payload.size() <= kMaxBytesReadAtOnce);
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
      if (!payload.connection_part.empty() && is_of_older_generation(received.answer)) {
        sockets.older_generation.add(candidate.path);
        candidate.relay_because(RelayReason::kOlderGeneration);
        return Delivery::End::kNotTaken;
      }
      candidate.refuse(received.answer);
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

Delivery::End deliver_to(Candidate& candidate, const DaemonConnection& daemon, int client, PayloadSender& sender,
                         const DeliveryLimits& limits, SocketMemory& sockets) {
  if (!sender.payload().connection_part.empty()) {
    const RelayReason reason = check_daemon(daemon, true, limits.key_users);
    if (reason != RelayReason::kNone) {
      candidate.relay_because(reason);
      return Delivery::End::kNotTaken;
    }
  }
  const SendResult sent = sender.send(daemon.socket.get(), daemon.type, client, limits.send_timeout);
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
  // A daemon that is there can serve the client at once by a relay.
  const bool is_worth_it = !find_relaying(candidates_) &&
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

RelayReason check_daemon(const DaemonConnection& daemon, bool with_keys, std::span<const uid_t> key_users) {
  // FastCGI's records begin with the part's first bytes, and keys can be any bytes: see is_fit_for_stream_socket().
  if (daemon.type == SOCK_STREAM) return RelayReason::kStreamSocket;
  if (!with_keys) return RelayReason::kNone;
  const uid_t user = listening_user(daemon);
  const bool is_trusted = user == 0 || user == ::geteuid() || user == daemon.owner ||
                          std::find(key_users.begin(), key_users.end(), user) != key_users.end();
  return is_trusted ? RelayReason::kNone : RelayReason::kUntrustedUser;
}

Delivery deliver(SocketMemory& sockets, int client, const Payload& payload, std::span<Candidate> candidates,
                 const DeliveryLimits& limits) {
  SH_CHECK(!candidates.empty() && (payload.connection_part.empty() || limits.answer_timeout));
  PayloadSender sender(payload);
  for (Candidate& candidate : candidates) {
    if (!payload.connection_part.empty() && sockets.older_generation.contains(candidate.path)) {
      candidate.relay_because(RelayReason::kOlderGeneration);
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

const Candidate* find_relaying(std::span<const Candidate> candidates) {
  for (const Candidate& candidate : candidates) {
    if (candidate.state == Candidate::State::kRelays) return &candidate;
  }
  return nullptr;
}

const char* explain(RelayReason reason) {
  switch (reason) {
    case RelayReason::kNone:
      break;
    case RelayReason::kOlderGeneration:
      return "is of an older generation, which takes no clients over TLS";
    case RelayReason::kNoReservations:
      return "keeps no place for clients over HTTP/2, because it is of an older generation, or has crashed";
    case RelayReason::kStreamSocket:
      return "listens on SOCK_STREAM, and connections over TLS or HTTP/2 go over SOCK_SEQPACKET only";
    case RelayReason::kUntrustedUser:
      return "runs as a user who is given no keys; name the user in SocketHandoffTLSUsers if that is right";
  }
  return "takes such connections";
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
