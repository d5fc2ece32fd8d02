// SPDX-License-Identifier: Apache-2.0
// A stored answer's form: the fields of its hash, and the entries of its stream. docs/PROTOCOL.md describes them. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store_reply.h"

namespace streaming {

namespace stored {

// Of the hash, from the beginning.
inline constexpr std::string_view kRun = "run";      // distinguishes it from earlier and later answers of its id
inline constexpr std::string_view kOwner = "owner";  // the worker that runs it
inline constexpr std::string_view kUser = "user";    // empty: anybody may have it
inline constexpr std::string_view kFormat = "format";
inline constexpr std::string_view kBackend = "backend";

// Of the hash, while it runs, if another host is to report it once its own has died.
inline constexpr std::string_view kReport = "report";  // the webhook-id of its own host's report
inline constexpr std::string_view kHook = "hook";      // the hook's name
inline constexpr std::string_view kBeginning = "beginning";  // of the report

// Of the hash, from the end on.
inline constexpr std::string_view kCause = "cause";
inline constexpr std::string_view kEvents = "events";  // the number of the last one
inline constexpr std::string_view kStatus = "status";
inline constexpr std::string_view kRetryAfter = "retry_after";
inline constexpr std::string_view kMessage = "message";
inline constexpr std::string_view kLastFrames = "last";  // the frames that say how it has ended

// Of an entry, in this order.
inline constexpr std::string_view kFirst = "first";  // the number of its first event
inline constexpr std::string_view kFrames = "frames";

// The verbs of orders to the worker that runs an answer.
inline constexpr std::string_view kStop = "stop";
inline constexpr std::string_view kWatch = "watch";  // wake up the host that sends it when there is news

}  // namespace stored

// What the hash has.
struct StoredFacts {
  std::string run, owner, user, format, backend, report, hook, beginning, cause, message, last_frames;
  std::uint32_t events = 0;
  int status = 0;
  int retry_after_seconds = 0;

  bool exists() const { return !run.empty(); }
  // Somebody has said that he will run it, and no more yet.
  bool only_claimed() const { return exists() && owner.empty(); }
  bool has_ended() const { return !cause.empty(); }
};

// Of an answer to HGETALL.
StoredFacts read_stored_facts(const StoreReply& reply);

// "VERB RUN ID". Nothing if it is not of this form.
struct StoredOrder {
  std::string_view verb, run, id;
};
std::optional<StoredOrder> read_stored_order(std::string_view text);
std::string stored_order(std::string_view verb, std::string_view run, std::string_view id);

// Some events in succession, each a whole frame.
struct StoredEntry {
  std::uint32_t first_event = 0;  // their numbers
  std::uint32_t last_event = 0;
  std::string_view frames;
};

// An entry's id is the number of its last event.
std::string stored_entry_id(std::uint32_t last_event);

// Reads the next entry of an answer to XRANGE, or the first one, and passes it. Nothing if there is none, or if it is no
// entry of an answer.
std::optional<StoredEntry> read_stored_entry(StoreReplyCursor& cursor);

}  // namespace streaming
