// The counter table: what a worker counts, one line a counter.
//
// Each worker has its own Counters and writes them without atomics; they are added up after the workers have ended.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace streaming {

enum class Counter : std::uint8_t {
  kConnections,
  kHandoffs,
  kHandoffErrors,
  kRefusals,
  kStreams,
  kEvents,
  kBytes,
  kPauses,
  kInputTokens,
  kOutputTokens,
  kFailedTries,
  kCount
};

struct CounterInfo {
  Counter counter;
  std::string_view name;
  std::string_view help;
};

inline constexpr std::array<CounterInfo, static_cast<std::size_t>(Counter::kCount)> kCounterTable{{
    {Counter::kConnections, "connections", "connections accepted on the hand-off socket"},
    {Counter::kHandoffs, "handoffs", "clients received"},
    {Counter::kHandoffErrors, "handoff_errors", "connections that brought no usable client"},
    {Counter::kRefusals, "refusals", "clients refused"},
    {Counter::kStreams, "streams", "streams opened"},
    {Counter::kEvents, "events", "events queued for clients"},
    {Counter::kBytes, "bytes", "bytes sent to clients"},
    {Counter::kPauses, "pauses", "times a slow client paused its upstream"},
    {Counter::kInputTokens, "input_tokens", "tokens that the upstreams have read, as they count them"},
    {Counter::kOutputTokens, "output_tokens", "tokens that the upstreams have written, as they count them"},
    {Counter::kFailedTries, "failed_tries", "tries of an upstream that failed and were followed by another"},
}};

class Counters {
 public:
  void add(Counter counter, std::uint64_t amount = 1) { values_[static_cast<std::size_t>(counter)] += amount; }
  std::uint64_t get(Counter counter) const { return values_[static_cast<std::size_t>(counter)]; }

  Counters& operator+=(const Counters& other) {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += other.values_[i];
    return *this;
  }

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Counter::kCount)> values_{};
};

}  // namespace streaming
