// SPDX-License-Identifier: Apache-2.0
// Tag: what an operation carries through the kernel (its user_data), so that its completion finds its owner.
//
// Operation, slot and generation in 64 bits: a late completion of a slot's former owner is recognised by generation.

#pragma once

#include <cstdint>

#include "base/slab.h"

namespace streaming {

enum class Operation : std::uint8_t {
  kNone,  // dispatch() drops its completion
  kWakeup,
  kAccept,
  kConnectionPassed,
  kConnectionArrived,
  kHandoffReceive,
  kHandoffReply,
  kHandoffVerdict,
  kClientSend,
  kClientWritable,
  kClientWatch,
  kClientReceive,
  kClientShutdown,
  kClientDrain,
  kClientUnacknowledged,
  kClientClose,
  kUpstreamReady,
  kUpstreamConnect,
  kUpstreamReceive,
  kUpstreamSend,
  kUpstreamWritable,
  kStoreReceive,
  kStoreSend,
  kStoreWritable,
  kWakeUpsReceive,
  kWakeUpsSend,
  kWakeUpsWritable,
  kChildEnded,
  kChildOutput,
  kProgramReadable,
  kProgramReceive,
  kImportReadable,
  kImportReceive,
  kFileOpen,
  kFileStatus,
  kFileRead,
  kFileRemove,
  kJournalOpen,
  kJournalWrite,
  kJournalSync,
  kJournalRead,
  kJournalRemove,
};
inline constexpr Operation kLastOperation = Operation::kJournalRemove;

struct Tag {
  Operation operation = Operation::kNone;
  Handle slot;

  static constexpr int kOperationShift = 56;

  std::uint64_t encode() const {
    return static_cast<std::uint64_t>(operation) << kOperationShift | std::uint64_t{slot.generation} << 32 | slot.index;
  }
  static Tag decode(std::uint64_t bits) {
    return Tag{static_cast<Operation>(bits >> kOperationShift),
               Handle{static_cast<std::uint32_t>(bits),
                      static_cast<std::uint32_t>(bits >> 32) & ((1u << Handle::kGenerationBits) - 1)}};
  }
  bool operator==(const Tag&) const = default;
};

static_assert(Handle::kGenerationBits + 32 == Tag::kOperationShift);

}  // namespace streaming
