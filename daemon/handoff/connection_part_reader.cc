// SPDX-License-Identifier: Apache-2.0
#include "handoff/connection_part_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace streaming {
namespace {

using handoff_protocol::ConnectionPartProblem;

Error error_of(ConnectionPartProblem problem) {
  switch (problem) {
    case ConnectionPartProblem::kIncomplete:
      return Error{"the message ends within its connection part"};
    case ConnectionPartProblem::kUnknownVersion:
      return Error{"the connection part describes a connection that this daemon does not know; it knows TLS 1.2 and "
                   "1.3 with AES-GCM or ChaCha20-Poly1305, and HTTP/2, in version " +
                   std::to_string(handoff_protocol::kConnectionVersion) + " of the part"};
    case ConnectionPartProblem::kNone:
    case ConnectionPartProblem::kMalformed:
      break;
  }
  return Error{"the connection part is malformed: its lengths do not agree"};
}

Transport transport_of(const handoff_protocol::ConnectionState& connection) {
  if (!connection.http2) return Transport::kTls;
  return connection.tls ? Transport::kH2 : Transport::kH2c;
}

}  // namespace

std::span<char> ConnectionPartReader::take(std::span<char> message) {
  if (state_ == State::kBegin && !message.empty()) {
    const bool begins = static_cast<std::uint8_t>(message.front()) == handoff_protocol::kConnectionMark;
    state_ = begins ? State::kInside : State::kBehind;
  }
  while (state_ == State::kInside && !message.empty()) {
    const std::span<char> taken = message.first(std::min(message.size(), wanted_ - size_));
    std::memcpy(&bytes_[size_], taken.data(), taken.size());
    explicit_bzero(taken.data(), taken.size());
    size_ += taken.size();
    message = message.subspan(taken.size());
    if (size_ == wanted_) read();
  }
  if (state_ != State::kFailed) return message;
  explicit_bzero(message.data(), message.size());
  return {};
}

void ConnectionPartReader::read() {
  const handoff_protocol::ConnectionPart part = handoff_protocol::read_connection_part(std::span(bytes_).first(size_));
  problem_ = part.problem;
  if (problem_ == ConnectionPartProblem::kIncomplete) {
    wanted_ = part.bytes;
    return;
  }
  state_ = problem_ == ConnectionPartProblem::kNone ? State::kBehind : State::kFailed;
  is_reservation_ = part.is_reservation;
  if (state_ == State::kBehind && !is_reservation_) {
    transport_ = transport_of(part.connection);
    connection_ = ClientConnection::make(part.connection);
  }
  wipe();
}

void ConnectionPartReader::give_to(Client& client) {
  if (!usable()) return client.socket.reset();
  if (!connection_) return;
  client.transport = transport_;
  client.connection = std::move(connection_);
}

Status ConnectionPartReader::status() const {
  if (is_reservation_) return Error{"a reservation brings no client, and is the first message on SOCK_SEQPACKET"};
  return usable() ? success() : Status(error_of(problem_));
}

void ConnectionPartReader::wipe() {
  explicit_bzero(bytes_.data(), size_);
  size_ = 0;
}

}  // namespace streaming
