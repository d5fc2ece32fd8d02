// SPDX-License-Identifier: Apache-2.0
// The counter table: what a worker counts, one line for each counter.
//
// Each worker has its own Counters and is the only one that writes them; any thread may read them.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "metrics/single_writer_value.h"

namespace streaming {

enum class Counter : std::uint8_t {
  kConnections,
  kHandoffs,
  kHandoffsTimedOut,
  kHandoffsInvalid,
  kHandoffsOverflown,
  kAcceptsFailed,
  kReservations,
  kReservationsClosed,
  kReservationsTimedOut,
  kReservationsInvalid,
  kRefusedInvalid,
  kRefusedStranger,
  kRefusedTooLarge,
  kRefusedUser,
  kRefusedUserStarts,
  kRefusedUserTokens,
  kRefusedOtherUser,
  kRefusedFollower,
  kRefusedFull,
  kRefusedOverBudget,
  kRefusedNoStore,
  kStreams,
  kPlainStreams,
  kTlsStreams,
  kRelayedStreams,
  kH2Streams,
  kH2cStreams,
  kEvents,
  kBytes,
  kPauses,
  kFailedTries,
  kReports,
  kReportsDelivered,
  kReportsUndelivered,
  kReportsLost,
  kReportFailures,
  kJournalFailures,
  kReportsNotOnDisk,
  kReportsForOthers,
  kAnswers,
  kFollows,
  kStops,
  kAnswersCutAtOwnLimit,
  kAnswersCutAtCommonLimit,
  kAnswersForgotten,
  kAnswersNotStored,
  kAnswersUnclaimed,
  kStoreErrors,
  kUsersNotShared,
  kCount
};

struct CounterInfo {
  Counter counter;
  std::string_view metric;  // counters of one metric must be adjacent
  std::string_view label;   // NAME=VALUE; empty: none
  std::string_view help;    // of the metric
};

inline constexpr std::array<CounterInfo, static_cast<std::size_t>(Counter::kCount)> kCounterTable{{
    {Counter::kConnections, "daemon_connections_total", "", "Connections accepted on the hand-off socket"},
    {Counter::kHandoffs, "daemon_handoffs_total", "", "Clients received"},
    {Counter::kHandoffsTimedOut, "daemon_handoff_errors_total", "reason=timeout",
     "Connections that sent no usable client"},
    {Counter::kHandoffsInvalid, "daemon_handoff_errors_total", "reason=invalid", ""},
    {Counter::kHandoffsOverflown, "daemon_handoff_errors_total", "reason=overflow", ""},
    {Counter::kAcceptsFailed, "daemon_handoff_errors_total", "reason=accept", ""},
    {Counter::kReservations, "daemon_reservations_total", "", "Places kept for clients who come with a second message"},
    {Counter::kReservationsClosed, "daemon_reservations_lost_total", "reason=closed", "Places without a client in the end"},
    {Counter::kReservationsTimedOut, "daemon_reservations_lost_total", "reason=timeout", ""},
    {Counter::kReservationsInvalid, "daemon_reservations_lost_total", "reason=invalid", ""},
    {Counter::kRefusedInvalid, "daemon_refusals_total", "reason=invalid", "Clients refused"},
    {Counter::kRefusedStranger, "daemon_refusals_total", "reason=not_allowed", ""},
    {Counter::kRefusedTooLarge, "daemon_refusals_total", "reason=too_large", ""},
    {Counter::kRefusedUser, "daemon_refusals_total", "reason=user_limit", ""},
    {Counter::kRefusedUserStarts, "daemon_refusals_total", "reason=user_rate", ""},
    {Counter::kRefusedUserTokens, "daemon_refusals_total", "reason=user_tokens", ""},
    {Counter::kRefusedOtherUser, "daemon_refusals_total", "reason=other_user", ""},
    {Counter::kRefusedFollower, "daemon_refusals_total", "reason=followers", ""},
    {Counter::kRefusedFull, "daemon_refusals_total", "reason=full", ""},
    {Counter::kRefusedOverBudget, "daemon_refusals_total", "reason=over_budget", ""},
    {Counter::kRefusedNoStore, "daemon_refusals_total", "reason=no_store", ""},
    {Counter::kStreams, "daemon_streams_total", "", "Streams opened"},
    {Counter::kPlainStreams, "daemon_transport_streams_total", "transport=plain", "Streams opened, by transport"},
    {Counter::kTlsStreams, "daemon_transport_streams_total", "transport=tls", ""},
    {Counter::kRelayedStreams, "daemon_transport_streams_total", "transport=relayed", ""},
    {Counter::kH2Streams, "daemon_transport_streams_total", "transport=h2", ""},
    {Counter::kH2cStreams, "daemon_transport_streams_total", "transport=h2c", ""},
    {Counter::kEvents, "daemon_chunks_sent_total", "", "Events queued for clients"},
    {Counter::kBytes, "daemon_bytes_sent_total", "", "Bytes sent to clients"},
    {Counter::kPauses, "daemon_backpressure_pauses_total", "", "Times that a slow client paused its upstream"},
    {Counter::kFailedTries, "daemon_failed_tries_total", "",
     "Tries of an upstream that failed and were followed by another"},
    {Counter::kReports, "daemon_reports_total", "", "Answers that began and are reported to a hook"},
    {Counter::kReportsDelivered, "daemon_reports_ended_total", "result=delivered",
     "Reports of answers that a hook has taken, or that are given up"},
    {Counter::kReportsUndelivered, "daemon_reports_ended_total", "result=undelivered", ""},
    {Counter::kReportsLost, "daemon_reports_ended_total", "result=lost", ""},
    {Counter::kReportFailures, "daemon_report_failures_total", "", "Times that a hook has not taken a report"},
    {Counter::kJournalFailures, "daemon_journal_failures_total", "",
     "Times that the journal of answers could not be written"},
    {Counter::kReportsNotOnDisk, "daemon_reports_not_on_disk_total", "",
     "Reports of ended answers that the journal has not taken"},
    {Counter::kReportsForOthers, "daemon_reports_for_others_total", "",
     "Answers whose host has died and that this one reports"},
    {Counter::kAnswers, "daemon_kept_answers_total", "", "Kept answers begun"},
    {Counter::kFollows, "daemon_answer_follows_total", "", "Clients that have joined a kept answer"},
    {Counter::kStops, "daemon_answer_stops_total", "", "Kept answers that a user has stopped"},
    {Counter::kAnswersCutAtOwnLimit, "daemon_answers_cut_total", "limit=answer",
     "Kept answers that have lost their oldest events, by the limit that was reached"},
    {Counter::kAnswersCutAtCommonLimit, "daemon_answers_cut_total", "limit=all", ""},
    {Counter::kAnswersForgotten, "daemon_answers_forgotten_early_total", "",
     "Ended answers that were forgotten before their time to make room"},
    {Counter::kAnswersNotStored, "daemon_answers_not_stored_total", "",
     "Kept answers that were forgotten before the store had all of them"},
    {Counter::kAnswersUnclaimed, "daemon_answers_unclaimed_total", "",
     "Kept answers that began although the store could not be asked whether another host has them"},
    {Counter::kStoreErrors, "daemon_store_errors_total", "", "Commands that the store has refused"},
    {Counter::kUsersNotShared, "daemon_users_not_shared_total", "",
     "Streams whose users were counted on this host alone, because the store could not be asked"},
}};

class Counters {
 public:
  void add(Counter counter, std::uint64_t amount = 1) { values_[static_cast<std::size_t>(counter)].add(amount); }
  std::uint64_t get(Counter counter) const { return values_[static_cast<std::size_t>(counter)].get(); }

 private:
  std::array<SingleWriterValue, static_cast<std::size_t>(Counter::kCount)> values_{};
};

}  // namespace streaming
