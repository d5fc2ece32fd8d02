// SPDX-License-Identifier: Apache-2.0
// ConnectionPartReader: takes the connection part off the front of a hand-off's message, which may come in pieces, and
// wipes it where it lay.
//
// One per message, on the worker's thread. It copies at most kMaxConnectionPartBytes, and wipes its copy as soon as the
// part is whole.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "handoff/client.h"
#include "protocol/connection_part.h"

namespace streaming {

class ConnectionPartReader {
 public:
  ConnectionPartReader() = default;
  ConnectionPartReader(ConnectionPartReader&&) = default;
  ConnectionPartReader& operator=(ConnectionPartReader&&) = delete;
  ~ConnectionPartReader() { wipe(); }

  // Takes the bytes of the part from the front of `message`, the message's next bytes. Returns those that follow the
  // part, which are the payload's. If the part is not understood, all bytes are wiped and none returned.
  std::span<char> take(std::span<char> message);

  // Whether the part is not understood. Nothing that follows is of use.
  bool failed() const { return state_ == State::kFailed; }

  // Whether the message is a reservation. It brings no client: a part that describes none can be used for none.
  bool is_reservation() const { return is_reservation_; }

  // The message has ended: gives `client` the connection that the part describes. If the part cannot be used, nobody
  // here can write to the client, and its socket is closed.
  void give_to(Client& client);

  // Whether the part can be used, or there is none. The Error's message is for the client and names what is wrong.
  Status status() const;

 private:
  enum class State { kBegin, kInside, kBehind, kFailed };

  bool usable() const { return (state_ == State::kBegin || state_ == State::kBehind) && !is_reservation_; }
  void read();
  void wipe();

  State state_ = State::kBegin;
  bool is_reservation_ = false;
  handoff_protocol::ConnectionPartProblem problem_ = handoff_protocol::ConnectionPartProblem::kIncomplete;
  std::size_t size_ = 0;
  std::size_t wanted_ = handoff_protocol::kConnectionHeaderBytes;  // bytes_ can be read when it has so many
  std::array<std::uint8_t, handoff_protocol::kMaxConnectionPartBytes> bytes_;
  Transport transport_ = Transport::kPlain;
  std::unique_ptr<ClientConnection> connection_;
};

}  // namespace streaming
