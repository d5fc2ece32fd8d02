// SPDX-License-Identifier: Apache-2.0
// The names of the ring's operations, for traces and tables.

#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "ring/tag.h"

namespace streaming::simulation {

inline constexpr std::array<std::string_view, static_cast<std::size_t>(kLastOperation) + 1> kOperationNames{
    "none",
    "wakeup",
    "accept",
    "connection passed",
    "connection arrived",
    "hand-off receive",
    "hand-off reply",
    "hand-off verdict",
    "client send",
    "client writable",
    "client watch",
    "client receive",
    "client shutdown",
    "client drain",
    "client unacknowledged",
    "client close",
    "upstream ready",
    "upstream connect",
    "upstream receive",
    "upstream send",
    "upstream writable",
    "store receive",
    "store send",
    "store writable",
    "wake-ups receive",
    "wake-ups send",
    "wake-ups writable",
    "child ended",
    "child output",
    "program readable",
    "program receive",
    "import readable",
    "import receive",
    "file open",
    "file status",
    "file read",
    "file remove",
    "journal open",
    "journal write",
    "journal sync",
    "journal read",
    "journal remove",
};
static_assert(kOperationNames.back() == "journal remove", "an operation has no name");

constexpr std::string_view name_of(Operation operation) {
  return kOperationNames[static_cast<std::size_t>(operation)];
}

}  // namespace streaming::simulation
