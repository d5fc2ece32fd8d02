// SPDX-License-Identifier: Apache-2.0
// The workers' counts in Prometheus' format.

#pragma once

#include <prometheus/metric_family.h>

#include <memory>
#include <span>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "ring/engine.h"
#include "server/answer_totals.h"
#include "server/capacity.h"
#include "server/process_figures.h"
#include "server/worker.h"

namespace streaming {

// Adds the workers' figures up; `requests` is what they hold. Any thread; the workers, of which there is one at least,
// may run.
std::vector<prometheus::MetricFamily> metric_families(std::span<const std::unique_ptr<Worker>> workers,
                                                      const ByteBudget& requests, const Capacity& capacity,
                                                      Engine engine, const ProcessFigures& process,
                                                      const AnswerTotals& answers, Duration uptime);

}  // namespace streaming
