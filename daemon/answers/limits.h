// SPDX-License-Identifier: Apache-2.0
// The limits of what is kept and reported of answers. Each comment says what happens at the limit.

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// --- What a report has of an answer ---------------------------------------------------------------------------------

// Text, reasoning and tool calls of one answer; and those of all answers that run, in the process. Over either: what
// comes later is left out of the report, which says so; the client gets it nevertheless.
inline constexpr std::size_t kMaxRecordBytes = 1024 * 1024;
inline constexpr std::size_t kMaxRecordsBytes = 256 * 1024 * 1024;

// How long a report waits, from the answer's end, until it is known whether the client has got that end. Longer than a
// client that has all of it takes. Over it: the report is sent without that.
inline constexpr Duration kClientEndPatience{3000};

// What of a report is known at its answer's beginning: names, which have limits, and kMaxReportDataBytes. Over it, if it
// comes from the store or a journal: it is none, because nobody writes such a one.
inline constexpr std::size_t kMaxReportBeginningBytes = 512 * 1024;

// A whole report, whose JSON has at most six bytes for one of text. Over it, if it comes from a journal: it is none.
inline constexpr std::size_t kMaxReportBytes = 8 * 1024 * 1024;
static_assert(kMaxReportBeginningBytes + 6 * kMaxRecordBytes < kMaxReportBytes);

// --- Sending reports ------------------------------------------------------------------------------------------------

// Reports that are being sent to one hook at one time, per worker. Over it: they wait.
inline constexpr std::uint32_t kMaxReportsInFlight = 16;

// After a failure of a report: the pauses before it is sent again. After the last one it is given up.
inline constexpr std::array<Duration, 7> kReportPauses{
    std::chrono::seconds(5), std::chrono::seconds(30), std::chrono::minutes(5), std::chrono::minutes(30),
    std::chrono::hours(2),   std::chrono::hours(6),    std::chrono::hours(24)};

// Reports in memory, per worker, in bytes. Over it: a report that comes waits in the journal alone, or is lost if there
// is none.
inline constexpr std::size_t kMaxReportBytesHeld = 64 * 1024 * 1024;

// Reports that wait, per worker. Over it: a report that comes is given up at once.
inline constexpr std::size_t kMaxReportsWaiting = 500'000;

// How long a report waits that could not be read from the journal. It stays there.
inline constexpr Duration kUnreadReportPause{std::chrono::minutes(1)};

// Pause between two log lines about a hook that fails, or about reports that cannot be read, per worker.
inline constexpr Duration kHookComplaintPause{10'000};

// How long a worker that ends still sends reports. Over it: those that are left are lost.
inline constexpr Duration kLastReportsTimeout{2000};

// The random bytes of a hook's secret, as Standard Webhooks have them. Otherwise: an error at the start.
inline constexpr std::size_t kMinHookSecretBytes = 24;
inline constexpr std::size_t kMaxHookSecretBytes = 64;

// --- Kept answers ---------------------------------------------------------------------------------------------------

// The memory of a kept answer's frames grows by a part of what it has, so that little of it is unused, and by no less
// and no more than these, in bytes. A frame that is larger gets a chunk of its own.
inline constexpr std::size_t kFrameGrowthPart = 8;
inline constexpr std::size_t kSmallestFrameGrowth = 128;
inline constexpr std::size_t kLargestFrameGrowth = 16 * 1024;

// The chunk of a kept answer's frames that still grows in its place, in bytes, by a larger part, because growing it costs
// as much as several events. Over it: a new one is added.
inline constexpr std::size_t kLargestGrownFrameChunk = 4096;
inline constexpr std::size_t kGrownFrameChunkPart = 4;

// What a kept answer has of the name of its model, in bytes. Over it: cut.
inline constexpr std::size_t kMaxAnswerModelBytes = 128;

// What a kept answer counts for in max_kept_bytes besides its object, its names and its frames: its place in the
// directory, the first chunk's beginning, and what malloc adds.
inline constexpr std::size_t kKeptAnswerExtraBytes = 128;

// How often the waits of all running answers are looked at within the shortest of those waits, and in how many parts.
// An answer that waits too long is noticed later by one such look at most.
inline constexpr int kWaitLooks = 8;
inline constexpr std::uint32_t kWaitLookParts = 8;

// The smallest peak of a worker's kept answers, in bytes, after which memory is returned to the system, and how long after
// most of them are forgotten.
inline constexpr std::size_t kTrimAtKeptBytes = 1024 * 1024;
inline constexpr Duration kKeptTrimPause{2000};

// After how many seconds a client may try again to follow an answer that has max_followers, as Retry-After reports it.
inline constexpr int kFollowAgainAfterSeconds = 2;

// Answers that are forgotten in one turn because their time is up. Over it: the others in the next turn.
inline constexpr int kForgottenAtOnce = 64;

// Pause between two log lines about answers that are forgotten before their time, per worker.
inline constexpr Duration kForgottenNotePause{60'000};

// Ended answers that are passed over, because clients still read them, in the search for one to forget. Over it: the
// answer that needs the memory loses its oldest events.
inline constexpr int kPassedOver = 16;

// Memory for the frames of one event, which a worker reuses. Over it: it is freed.
inline constexpr std::size_t kFrameBufferBytes = 64 * 1024;

// --- Limits of users ------------------------------------------------------------------------------------------------

// Users that are remembered in the process, most of them for the tokens that they have used. Over it: of those without a
// stream, the half that has used least begins anew.
inline constexpr std::size_t kMaxRememberedUsers = 128 * 1024;

// Tokens that are charged for one answer, and at most to one user. Over it: this many.
inline constexpr std::uint64_t kMaxChargedTokens = 1'000'000'000'000;

// --- Answers in the store -------------------------------------------------------------------------------------------

// Frames of one entry of an answer's stream. Over it: another entry.
inline constexpr std::size_t kStoredEntryBytes = 64 * 1024;

// For how long the events of an answer that no other host reads are gathered. Over it: they are stored. If the host dies
// meanwhile, others do not have them.
inline constexpr Duration kStoreGathering{1000};

// How long the store keeps an answer that runs without a limit.
inline constexpr Duration kUnlimitedStoredLife{std::chrono::hours(24)};

// How long the store keeps the number of a user's streams longer than a stream may run.
inline constexpr Duration kStoredUserExtraLife{std::chrono::minutes(1)};

// How long a stream waits for the store to let its user in. Over it: this host's count decides; and streams that come do
// not wait at all, until the store replies.
inline constexpr Duration kUserPatience{250};

// Users of whom something is to be written while the store cannot be reached, per worker. Over it: the tokens of others
// are charged on this host alone.
inline constexpr std::size_t kMaxUnwrittenUsers = 128 * 1024;

// How long nothing is stored after the store has refused something, for instance because its memory is full; and the
// pause between two log lines about that.
inline constexpr Duration kStoreRetryPause{1000};
inline constexpr Duration kStoreComplaintPause{10'000};

// Entries of an answer's stream that are read at once. Over it: the rest in the next turn.
inline constexpr int kStoredEntriesAtOnce = 64;

// --- Reports for other hosts ----------------------------------------------------------------------------------------

// How often a worker shows that it can report its answers itself, and how long such a sign holds. Over it: others report
// them. Longer than a connection to the store needs to be given up and opened again.
inline constexpr Duration kReportTurn{1000};
inline constexpr Duration kReportLifeTime{5000};

// How long nobody else reports an answer that a worker is about to report. Over it: that worker counts as dead, too.
inline constexpr Duration kReportClaimTime{10'000};

// How long the store knows which host has a report. If the answer's own host comes back later, it reports it as well.
inline constexpr Duration kReportedTime{std::chrono::hours(7 * 24)};

// How long reports of cut answers that are in this host's journals wait until the store says whether another host has
// sent them. Over it: they are sent.
inline constexpr Duration kAdoptedPatience{15'000};

// Such reports that the store is asked about at once; and answers of other hosts that a worker reports at once. Over it:
// the others later.
inline constexpr std::size_t kAdoptedAtOnce = 256;
inline constexpr std::size_t kMaxCutsAtOnce = 256;

// --- The journal ----------------------------------------------------------------------------------------------------

// The body of a frame.
inline constexpr std::size_t kMaxFrameBytes = 16 * 1024 * 1024;
static_assert(kMaxReportBytes < kMaxFrameBytes);

// The size at which a file of the journal ends and the next begins.
inline constexpr std::size_t kSegmentBytes = 16 * 1024 * 1024;

// What waits to be written, per worker. Over it: the disk counts as failed.
inline constexpr std::size_t kMaxUnwrittenBytes = 64 * 1024 * 1024;

// How long the disk may take for an operation. Over it: it counts as failed until the operation is over, and those who
// wait, such as the ends of answers, wait no longer.
inline constexpr Duration kDiskPatience{2000};

// How long nothing is written after the disk has failed.
inline constexpr Duration kJournalRetryPause{1000};

// How long text of a running answer stays in memory alone; and how much earlier it may be written, together with that of
// others, because a write costs as much as many events.
inline constexpr Duration kTextPause{500};
inline constexpr Duration kTextWrittenEarlier{60};

// How long a frame waits that may be lost, for one that must be written: a hook has taken a report, or a client has the
// end. Shorter than the pauses between reports at a rate at which a write for each would matter.
inline constexpr Duration kJournalNotePause{50};

// Pause between two searches for journals that other processes have left.
inline constexpr Duration kAdoptionPause{2000};

}  // namespace streaming
