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

#include "metrics/figure.h"
#include "metrics/histogram.h"
#include "sse/answer_event.h"
#include "stream/close_cause.h"

namespace streaming {

struct BackendMetrics {
  Figure requests;
  Figure errors;       // streams that ended for a reason of the upstream's
  Histogram duration;  // of whole streams
  Histogram first_token;
};

class StreamMetrics {
 public:
  // By the order of backend_registry().
  explicit StreamMetrics(std::size_t backend_count) : backends(backend_count) {}

  // Adds to the tokens of that backend and model. Beyond kMaxModels models, which anybody may name, to those of
  // "other".
  void count_tokens(std::size_t backend, std::string_view model, const Usage& usage);

  using Tokens = std::map<std::pair<std::size_t, std::string>, Usage>;
  Tokens tokens() const;

  std::uint64_t closed_by(CloseCause cause) const { return closed[static_cast<std::size_t>(cause)].get(); }

  Figure active;
  Figure peak;
  std::array<Figure, kCloseCauses> closed;
  Histogram duration;
  Histogram first_token;
  std::vector<BackendMetrics> backends;

 private:
  mutable std::mutex tokens_mutex_;  // once a stream that was counted, and at a scrape
  Tokens tokens_;
};

}  // namespace streaming
