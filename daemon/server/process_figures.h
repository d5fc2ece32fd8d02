// SPDX-License-Identifier: Apache-2.0
// ProcessFigures: the kernel's figures about this process, by the definitions of Prometheus' clients. Any thread.

#pragma once

#include <string_view>

namespace streaming {

// Zero if /proc does not have it.
struct ProcessFigures {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double start_time_seconds = 0;  // since 1970
  double open_descriptors = 0;
  double most_descriptors = 0;
  double threads = 0;
};

ProcessFigures read_process_figures();

// A field of /proc/PID/stat by its number in proc(5), which begins with 1; 0 if it is missing. Only for fields from the
// third on, because the second, a program's name, may be any text. Pure.
double field_of_stat(std::string_view stat, int number);

}  // namespace streaming
