// SPDX-License-Identifier: Apache-2.0
// The limits of clients' TLS connections. Each comment says what happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

namespace streaming {

// The text of one record (RFC 8446, section 5.1; RFC 5246, section 6.2.1). Longer text to a client becomes several
// records. A record of the client that may hold more is malformed: its stream ends.
inline constexpr std::size_t kMaxRecordText = 16 * 1024;

// Records that one key protects. RFC 8446, section 5.5, allows AES-GCM 2^24.5 of them. At the limit: the next keys,
// with a KeyUpdate to the client; TLS 1.2 has none, so the stream ends.
inline constexpr std::uint64_t kMaxRecordsPerKey = std::uint64_t{1} << 24;

// KeyUpdates that a client may send on one connection. Each costs as much as fifteen small records, and twice that if
// we answer it; a client that waits for its answer needs none. Over it: the record is malformed, the stream ends.
//
// Other records have no limit of their own: each costs 0.5 µs and is at least 22 bytes, so the work is linear in what
// the client sends. Streams limit that (kMaxReceivedKb).
inline constexpr int kMaxKeyUpdates = 100;

}  // namespace streaming
