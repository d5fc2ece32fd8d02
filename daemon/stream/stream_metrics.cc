#include "stream/stream_metrics.h"

#include "base/limits.h"

namespace streaming {

void StreamMetrics::count_tokens(std::size_t backend, std::string_view model, const Usage& usage) {
  if (usage.input_tokens == 0 && usage.output_tokens == 0) return;
  const std::lock_guard lock(tokens_mutex_);
  auto entry = tokens_.find({backend, std::string(model)});
  if (entry == tokens_.end()) {
    const bool room = tokens_.size() < kMaxModels;
    entry = tokens_.try_emplace({backend, room ? std::string(model) : "other"}).first;
  }
  entry->second.input_tokens += usage.input_tokens;
  entry->second.output_tokens += usage.output_tokens;
}

StreamMetrics::Tokens StreamMetrics::tokens() const {
  const std::lock_guard lock(tokens_mutex_);
  return tokens_;
}

}  // namespace streaming
