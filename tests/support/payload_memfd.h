// SPDX-License-Identifier: Apache-2.0
// A payload in a memfd: the module sends payloads that are too large for a message this way.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string_view>

#include "base/unique_fd.h"

namespace streaming {

inline constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

inline UniqueFd payload_memfd(std::string_view payload, int seals = kAllSeals) {
  UniqueFd file(memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(write(file.get(), payload.data(), payload.size()), static_cast<ssize_t>(payload.size()));
  EXPECT_EQ(fcntl(file.get(), F_ADD_SEALS, seals), 0);
  return file;
}

}  // namespace streaming
