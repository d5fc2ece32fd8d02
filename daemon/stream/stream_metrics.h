// SPDX-License-Identifier: Apache-2.0
// StreamMetrics: what a worker's streams did, by how they ended, by backend and by model.
//
// Owned by the worker's StreamTable, which alone writes it; any thread may read it.

#pragma once

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/single_writer_value.h"
#include "metrics/histogram.h"
#include "sse/answer_event.h"
#include "backends/close_cause.h"

namespace streaming {

struct BackendMetrics {
  SingleWriterValue requests;
  SingleWriterValue errors;             // streams that ended for a reason of the upstream's
  Histogram duration{kStreamBoundsUs};  // of whole streams
  Histogram first_token{kStreamBoundsUs};
};

// Tokens by an upstream's count; what it does not report counts as 0.
struct TokenTotals {
  std::uint64_t input = 0;
  std::uint64_t output = 0;
};

// Tokens by backend and model, of which anybody may name as many as he likes: names are cut to kMaxKeptModelBytes, and
// what is beyond kMaxModels models counts for "other".
class TokenCounts {
 public:
  void add(std::size_t backend, std::string_view model, const TokenTotals& tokens);

  using ByModel = std::map<std::pair<std::size_t, std::string>, TokenTotals>;
  const ByModel& all() const { return counts_; }

 private:
  ByModel counts_;
};

class StreamMetrics {
 public:
  // By the order of backend_registry().
  explicit StreamMetrics(std::size_t backend_count) : backends(backend_count) {}

  void count_tokens(std::size_t backend, std::string_view model, const TokenTotals& tokens);
  TokenCounts tokens() const;

  std::uint64_t closed_by(CloseCause cause) const { return closed[static_cast<std::size_t>(cause)].get(); }

  SingleWriterValue active;
  SingleWriterValue peak;
  std::array<SingleWriterValue, kCloseCauses> closed;
  Histogram duration{kStreamBoundsUs};
  Histogram first_token{kStreamBoundsUs};
  std::vector<BackendMetrics> backends;

 private:
  mutable std::mutex tokens_mutex_;  // once a stream that was counted, and at a scrape
  TokenCounts tokens_;
};

}  // namespace streaming
