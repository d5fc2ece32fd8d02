// SPDX-License-Identifier: Apache-2.0
// AnswerTotals: what all workers keep of answers, and the reports that are not delivered, for /metrics and /streams.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "server/worker.h"

namespace streaming {

struct AnswerTotals {
  std::uint64_t running = 0;
  std::uint64_t ended = 0;  // and still kept
  std::uint64_t bytes = 0;
  std::uint64_t followers = 0;
  std::uint64_t waiting_reports = 0;
  std::uint64_t undelivered_reports = 0;
};

// `journals`: their directory; empty if there is none. Any thread that may wait for the disk.
AnswerTotals answer_totals(std::span<const std::unique_ptr<Worker>> workers, const std::string& journals);

}  // namespace streaming
