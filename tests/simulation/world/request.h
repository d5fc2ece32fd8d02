// SPDX-License-Identifier: Apache-2.0
// SimulatedRing::Request: one operation, from its submission until its last completion is handed out. For the ring's own
// files.

#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "simulation/world/simulated_ring.h"

namespace streaming::simulation {

enum class SimulatedRing::Kind : std::uint8_t {
  kAccept,
  kPassFile,
  kReceiveMessage,
  kConnect,
  kReceiveStream,
  kReceiveAvailable,
  kSend,
  kReceive,
  kPoll,
  kShutdownWrite,
  kCountUnacknowledged,
  kClose,
  kCancel,
  // Of the disk.
  kRead,
  kWrite,
  kSync,
  kOpen,
  kFileStatus,
  kRemove,
};

struct SimulatedRing::Request final : FileWaiter {
  Request(SimulatedRing& its_ring, Kind its_kind, RingFile its_file, Tag its_tag, std::uint64_t its_number)
      : ring(its_ring), kind(its_kind), file(its_file), tag(its_tag), number(its_number) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() { finish(); }

  void on_change() override;

  bool is_for_disk() const { return kind >= Kind::kRead; }
  // The kernel has it.
  void begin() {
    begun = true;
    if (!bytes.empty()) copy.assign(bytes.data(), bytes.size());
  }
  // It is carried out, and its file is not needed any more.
  void finish() {
    if (std::exchange(waits, false)) held->remove(*this);
    held.reset();
  }
  void note_result(std::int64_t result) {
    if (bytes.empty()) copy.assign(filled(result).data(), filled(result).size());
  }
  // The completion is being handed out: until now the kernel may read what is sent or written, which must not have changed,
  // and write what is received.
  void use_memory_again(std::int64_t result) const {
    if (!bytes.empty()) return CHECK(std::string_view(bytes.data(), bytes.size()) == copy);
    if (!copy.empty()) std::memcpy(filled(result).data(), copy.data(), copy.size());
  }
  // The memory that the operation has written.
  std::span<char> filled(std::int64_t result) const {
    if (message != nullptr) return {reinterpret_cast<char*>(message), sizeof *message};
    if (status != nullptr) return {reinterpret_cast<char*>(status), sizeof *status};
    return room.first(static_cast<std::size_t>(std::clamp<std::int64_t>(result, 0, static_cast<std::int64_t>(room.size()))));
  }

  SimulatedRing& ring;
  const Kind kind;
  const RingFile file;
  const Tag tag;
  const std::uint64_t number;
  std::shared_ptr<File> held;     // null before it is begun
  bool begun = false;
  bool waits = false;             // in its file's list
  std::span<const char> bytes{};  // sent or written
  std::string copy{};
  std::span<char> room{};         // received or read into
  std::uint64_t offset = 0;
  msghdr* message = nullptr;
  bool may_wait = true;           // for a message
  short events = 0;
  int target = -1;                // of a passed file; a directory
  Tag arrival{};
  const sockaddr* address = nullptr;
  socklen_t address_length = 0;
  const char* path = nullptr;
  const open_how* how = nullptr;
  struct statx* status = nullptr;
  std::vector<char> buffer{};     // that the completion brings
  std::size_t* buffer_in_use = nullptr;
};

}  // namespace streaming::simulation
