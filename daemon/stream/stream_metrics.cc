// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_metrics.h"

#include "base/utf8.h"
#include "stream/limits.h"

namespace streaming {

void TokenCounts::add(std::size_t backend, std::string_view model, const TokenTotals& tokens) {
  const std::string name(utf8_prefix(model, kMaxKeptModelBytes));
  auto entry = counts_.find({backend, name});
  if (entry == counts_.end()) {
    entry = counts_.try_emplace({backend, counts_.size() < kMaxModels ? name : "other"}).first;
  }
  entry->second.input += tokens.input;
  entry->second.output += tokens.output;
}

void StreamMetrics::count_tokens(std::size_t backend, std::string_view model, const TokenTotals& tokens) {
  if (tokens.input == 0 && tokens.output == 0) return;
  const std::lock_guard lock(tokens_mutex_);
  tokens_.add(backend, model, tokens);
}

TokenCounts StreamMetrics::tokens() const {
  const std::lock_guard lock(tokens_mutex_);
  return tokens_;
}

}  // namespace streaming
