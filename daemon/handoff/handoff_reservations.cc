// SPDX-License-Identifier: Apache-2.0
// The HandoffReceiver's connections with two messages: the reservation, and then the client.
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/log.h"
#include "handoff/handoff_connection.h"
#include "handoff/handoff_receiver.h"
#include "handoff/limits.h"
#include "protocol/handoff_protocol.h"

namespace streaming {

// --- The first message ----------------------------------------------------------------------------------------------

void HandoffReceiver::receive_reservation(Connection& connection, std::span<const char> payload) {
  observe_arrival(connection);
  if (Admission admission = keep_place(connection, payload); !admission) {
    return refuse(connection, Client{}, std::move(admission.refusal()));
  }
  counters_.add(Counter::kReservations);
  ++reservations_;
  std::string accepted(1, handoff_protocol::kAccepted);
  if (connection.reservation_->is_relay_only()) accepted += handoff_protocol::kRelayOnly;
  reply(connection, std::move(accepted));
}

Admission HandoffReceiver::keep_place(Connection& connection, std::span<const char> payload) {
  Result<HandedOver> handed_over = take_payload_file(connection.message_);
  if (!handed_over && handed_over.error().code == EMFILE) {
    return Refusal{503, "the server is busy, try again soon", kBusyRetryAfterSeconds,
                   handed_over.error().message};
  }
  if (!handed_over) return Refusal{400, handed_over.error().message};
  if (Admission admission = check_sender(*handed_over); !admission) return admission;
  if (reservations_ >= kMaxReservations) {
    return Refusal{503, "too many places are reserved, try again soon", kBusyRetryAfterSeconds};
  }
  const bool cut = (connection.message_.msg_flags & MSG_TRUNC) != 0;
  std::unique_ptr<HandoffRequest> request;
  if (Admission admission = read_request(*handed_over, payload, cut, request); !admission) return admission;
  return clients_.on_reservation(std::move(request), connection.reservation_);
}

void HandoffReceiver::wait_for_client(Connection& connection, std::int32_t sent) {
  if (sent < 0) {
    const Counter reason = connection.given_up_ ? Counter::kReservationsTimedOut : Counter::kReservationsClosed;
    return lose_reservation(connection, reason, std::strerror(-sent));
  }
  connection.ended_ = false;
  submit_receive(connection);
}

// --- The second message ---------------------------------------------------------------------------------------------

void HandoffReceiver::receive_reserved_client(Connection& connection, const Completion& completion) {
  if (completion.result < 0) {
    return lose_reservation(connection, Counter::kReservationsTimedOut, std::strerror(-completion.result));
  }
  ConnectionPartReader part;
  const std::span<const char> payload = part.take(completion.buffer);
  Result<HandedOver> handed_over = take_descriptors(connection.message_);
  if (!handed_over && is_first_end(connection, completion)) return submit_receive(connection);
  if (!handed_over) {
    const Counter reason = completion.result == 0 ? Counter::kReservationsClosed : Counter::kReservationsInvalid;
    return lose_reservation(connection, reason, handed_over.error().message);
  }
  receive_client(handed_over->client);
  part.give_to(handed_over->client);
  Admission admission = seat(connection, *handed_over, part.status(), payload);
  conclude(connection, std::move(handed_over->client), std::move(admission));
}

Admission HandoffReceiver::seat(Connection& connection, HandedOver& handed_over, const Status& part,
                                std::span<const char> payload) {
  std::unique_ptr<Reservation> reservation = take_reservation(connection);
  if (Admission admission = check_sender(handed_over); !admission) return admission;
  if (!part) return Refusal{400, part.error().message};
  const bool has_payload = payload.size() != 1 || payload.front() != handoff_protocol::kNoPayload;
  if (has_payload || handed_over.payload_file) {
    return Refusal{400, "the payload comes with the reservation, and not with the client"};
  }
  if (reservation->is_relay_only() && handed_over.client.transport != Transport::kRelayed) {
    return Refusal{400, "the place is for a client whose answer Apache relays"};
  }
  return clients_.on_reserved_client(handed_over.client, std::move(reservation));
}

// --- The end of a reservation ---------------------------------------------------------------------------------------

void HandoffReceiver::lose_reservation(Connection& connection, Counter reason, std::string_view detail) {
  counters_.add(reason);
  const auto level = reason == Counter::kReservationsClosed ? log::Level::kDebug : log::Level::kInfo;
  log::write(level, "the client of a reservation did not come: {}", detail);
  close(connection);
}

std::unique_ptr<Reservation> HandoffReceiver::take_reservation(Connection& connection) {
  CHECK(reservations_ > 0);
  --reservations_;
  return std::move(connection.reservation_);
}

}  // namespace streaming
