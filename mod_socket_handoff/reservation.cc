// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/reservation.h"

#include <utility>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/daemon_answer.h"
#include "mod_socket_handoff/deadline.h"
#include "protocol/connection_part.h"

namespace socket_handoff {
namespace {

std::string_view reservation_part() {
  return {reinterpret_cast<const char*>(handoff_protocol::kReservationPart.data()),
          handoff_protocol::kReservationPart.size()};
}

void remember_without_reservations(Candidate& candidate, SocketMemory& sockets) {
  sockets.without_reservations.add(candidate.path);
  candidate.relay_because(RelayReason::kNoReservations);
}

// Whether a place is kept. The client is Apache's whatever the daemon answers.
bool read_answer_to_reservation(const ReceivedAnswer& received, const DaemonConnection& daemon, Candidate& candidate,
                                SocketMemory& sockets) {
  if (received.end == ReceivedAnswer::End::kReset) {
    candidate.state = Candidate::State::kClosedUnanswered;
    return false;
  }
  if (received.end != ReceivedAnswer::End::kAnswered) {
    // Daemons of older generations close, and others may keep silent: they got a message without a client.
    remember_without_reservations(candidate, sockets);
    return false;
  }
  if (!sockets.acknowledged.contains(daemon.identity)) sockets.acknowledged.add(daemon.identity);
  if (received.answer.kind == DaemonAnswer::Kind::kAccepted) return true;
  if (received.answer.connection_version < handoff_protocol::kConnectionVersion) {
    remember_without_reservations(candidate, sockets);
  } else {
    candidate.refuse(received.answer);
  }
  return false;
}

Reservation reserve_at(Candidate& candidate, DaemonConnection& daemon, bool with_keys, PayloadSender& sender,
                       const DeliveryLimits& limits, SocketMemory& sockets) {
  if (const RelayReason reason = check_daemon(daemon, with_keys, limits.key_users); reason != RelayReason::kNone) {
    candidate.relay_because(reason);
    return {};
  }
  candidate.error = sender.send(daemon.socket.get(), daemon.type, kNoClient, limits.send_timeout).error;
  if (candidate.error != 0) {
    candidate.state = Candidate::State::kSendFailed;
    return {};
  }
  const ReceivedAnswer received = receive_answer(daemon.socket.get(), *limits.answer_timeout);
  if (!read_answer_to_reservation(received, daemon, candidate, sockets)) return {};
  return Reservation(std::move(daemon.socket), candidate, received.answer.is_relay_only, *limits.answer_timeout);
}

}  // namespace

Delivery Reservation::hand_over(int client, std::string_view connection_part) {
  SH_CHECK(!is_relay_only_ && !connection_part.empty());
  return send(client, connection_part);
}

Delivery Reservation::hand_over_relayed(int daemons_end) {
  return send(daemons_end, {});
}

Delivery Reservation::send(int client, std::string_view connection_part) {
  SH_CHECK(*this && client != kNoClient);
  // Closed only after the answer was read: a daemon that cannot deliver its refusal answers the client itself.
  const UniqueDescriptor daemon = std::move(daemon_);
  const Deadline deadline(answer_timeout_);
  const Payload nothing{.connection_part = connection_part, .front = {}, .rest = {}};
  const SendResult sent = send_handoff(daemon.get(), client, nothing, answer_timeout_);
  candidate_->error = sent.error;
  if (!sent.client_is_gone) {
    candidate_->state = Candidate::State::kSendFailed;
    return {};
  }
  const ReceivedAnswer received = receive_answer(daemon.get(), std::chrono::milliseconds(deadline.remaining_ms()));
  switch (received.end) {
    case ReceivedAnswer::End::kAnswered:
      if (received.answer.kind == DaemonAnswer::Kind::kAccepted) return {Delivery::End::kTaken, candidate_};
      candidate_->refuse(received.answer);
      return {};
    case ReceivedAnswer::End::kClosed:
      // A daemon that has read a connection part may have used the record numbers that Apache would go on with.
      if (!connection_part.empty()) break;
      [[fallthrough]];
    case ReceivedAnswer::End::kReset:
      candidate_->state = Candidate::State::kClosedUnanswered;
      return {};
    case ReceivedAnswer::End::kUndecided:
      break;
  }
  return {Delivery::End::kWithoutAnswer, candidate_};
}

Reservation reserve(SocketMemory& sockets, const Payload& payload, bool with_keys, std::span<Candidate> candidates,
                    const DeliveryLimits& limits) {
  SH_CHECK(!candidates.empty() && limits.answer_timeout && payload.connection_part.empty());
  Payload reservation = payload;
  reservation.connection_part = reservation_part();
  PayloadSender sender(reservation);
  for (Candidate& candidate : candidates) {
    if (sockets.without_reservations.contains(candidate.path)) {
      candidate.relay_because(RelayReason::kNoReservations);
    }
  }
  DaemonSearch search(sockets, candidates, limits.rules, limits.schedule);
  DaemonConnection daemon;
  while (Candidate* candidate = search.next(daemon)) {
    Reservation reserved = reserve_at(*candidate, daemon, with_keys, sender, limits, sockets);
    SH_CHECK(static_cast<bool>(reserved) == (candidate->state == Candidate::State::kConnected));
    if (reserved) return reserved;
  }
  return {};
}

}  // namespace socket_handoff
