// An EventSink that keeps what it is told.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace streaming {

struct RecordingSink final : EventSink {
  void on_text(std::string_view text) override { texts.emplace_back(text); }
  void on_progress() override { ++progress; }
  void on_end() override { ++ends; }
  void on_failure(BackendFailure reason, std::string_view) override { failure = reason; }

  std::string all_text() const {
    std::string all;
    for (const std::string& text : texts) all += text;
    return all;
  }

  std::vector<std::string> texts;
  int progress = 0;
  int ends = 0;
  std::optional<BackendFailure> failure;
};

}  // namespace streaming
