// The sockets whose daemons have acknowledged a hand-off. Of such a daemon an end of file without an answer is a crash;
// of another one it is how it takes a client.
//
// One for all children of an Apache, in memory that they share, so that a new child knows it from its first hand-off
// on. Any thread of any of them may add and ask; what is overwritten is learned again.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace socket_handoff {

class AcknowledgedSockets {
 public:
  static constexpr std::size_t kMaxRemembered = 64;

  // `file` as KnownSockets names it.
  void add(std::uint64_t file) { place_of(file).store(file, std::memory_order_relaxed); }
  bool contains(std::uint64_t file) { return file != 0 && place_of(file).load(std::memory_order_relaxed) == file; }

 private:
  std::atomic<std::uint64_t>& place_of(std::uint64_t file) { return files_[file % kMaxRemembered]; }

  std::array<std::atomic<std::uint64_t>, kMaxRemembered> files_ = {};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace socket_handoff
