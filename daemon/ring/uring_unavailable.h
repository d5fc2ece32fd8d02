// SPDX-License-Identifier: Apache-2.0
// Why io_uring cannot be had, as a message for the operator: the sysctl, the seccomp rule or the kernel that stands in
// the way, and what to do.

#pragma once

#include "base/result.h"

namespace streaming {

// `code` is what io_uring_setup failed with. Reads /proc.
Error uring_unavailable(int code);

}  // namespace streaming
