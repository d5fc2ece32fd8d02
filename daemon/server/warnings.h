// What is wrong with no setting, and an operator should not overlook. Any thread.

#pragma once

#include "config/config.h"

namespace streaming {

// To the log, a line each: at the start, and when other settings have been taken.
void warn_of(const Config& config);

}  // namespace streaming
