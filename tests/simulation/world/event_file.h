// SPDX-License-Identifier: Apache-2.0
// EventFile: an eventfd of the simulated kernel.

#pragma once

#include <poll.h>

#include <cstring>
#include <utility>

#include "simulation/world/file.h"

namespace streaming::simulation {

class EventFile final : public File {
 public:
  explicit EventFile(std::uint64_t value) : value_(value) {}

  short events() const override { return static_cast<short>(value_ > 0 ? POLLIN | POLLOUT : POLLOUT); }
  std::size_t receivable() const override { return value_ > 0 ? sizeof value_ : 0; }
  std::int64_t send(std::span<const char> bytes) override {
    std::uint64_t added = 0;
    if (bytes.size() < sizeof added) return -EINVAL;
    std::memcpy(&added, bytes.data(), sizeof added);
    value_ += added;
    changed();
    return sizeof added;
  }
  std::int64_t receive(std::span<char> room) override {
    if (value_ == 0) return -EAGAIN;
    if (room.size() < sizeof value_) return -EINVAL;
    const std::uint64_t value = std::exchange(value_, 0);
    std::memcpy(room.data(), &value, sizeof value);
    return sizeof value;
  }

 private:
  std::uint64_t value_;
};

}  // namespace streaming::simulation
