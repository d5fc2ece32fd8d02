// What the workers have counted, as Prometheus reads it.

#pragma once

#include <prometheus/metric_family.h>

#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "server/worker.h"

namespace streaming {

// Adds the workers' figures up. Any thread; the workers may run.
std::vector<prometheus::MetricFamily> metric_families(std::span<const std::unique_ptr<Worker>> workers,
                                                      Duration uptime);

}  // namespace streaming
