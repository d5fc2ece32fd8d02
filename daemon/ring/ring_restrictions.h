// SPDX-License-Identifier: Apache-2.0
// What a ring may be asked for once it is enabled. The kernel refuses all else with EACCES: a seccomp filter does not
// see what a ring does, so this stands in for it.
//
// The tables are the one list of what UringRing uses; an operation that is not in them does not work.

#pragma once

#include <liburing.h>

#include <array>
#include <cstdint>

#include "base/result.h"

namespace streaming {

// Linux 6.8; not in liburing 2.3.
inline constexpr std::uint8_t kOpFixedFdInstall = 54;

inline constexpr std::array<std::uint8_t, 18> kRingOperations{
    IORING_OP_NOP,          IORING_OP_POLL_ADD, IORING_OP_RECVMSG,  IORING_OP_ACCEPT,
    IORING_OP_ASYNC_CANCEL, IORING_OP_CONNECT,  IORING_OP_CLOSE,    IORING_OP_STATX,
    IORING_OP_READ,         IORING_OP_SEND,     IORING_OP_RECV,     IORING_OP_OPENAT2,
    IORING_OP_SHUTDOWN,     IORING_OP_UNLINKAT, IORING_OP_MSG_RING, kOpFixedFdInstall,
    IORING_OP_WRITE,        IORING_OP_FSYNC};

inline constexpr std::uint8_t kRingEntryFlags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS;

// By io_uring_register(): clients are put into the file table. Buffers and tables are registered before.
inline constexpr std::array<std::uint8_t, 1> kRingRegistrations{IORING_REGISTER_FILES_UPDATE};

// Before the ring is enabled; holds from then on.
Status restrict_ring(io_uring& ring);

}  // namespace streaming
