// SPDX-License-Identifier: Apache-2.0
// KeptAnswer: an answer that lives apart from the clients who read it. It gets the backend's answer, encodes each event
// once, keeps the frames, and is to its followers' streams what a backend is to others.
//
// A slot of its worker's AnswerTable, on the worker's thread; it outlives its followers, because their streams use it
// as their backend. While it runs it owns the backend's session, which is never paused for a follower.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "answers/answer_directory.h"
#include "backends/close_cause.h"
#include "answers/kept_frames.h"
#include "answers/user_limits.h"
#include "backends/backend.h"
#include "base/intrusive_list.h"
#include "base/slab.h"
#include "ring/timer_wheel.h"
#include "sse/event_encoder.h"

namespace streaming {

class AnswerFollower;
class AnswerTable;

// How it has ended, and what its followers are told of that.
struct KeptAnswerEnd {
  CloseCause cause = CloseCause::kCompleted;
  FinishReason reason = FinishReason::kOther;  // the upstream's, if completed
  // What followers are told otherwise.
  FailureKind failure = FailureKind::kStopped;
  int status = 0;
  int retry_after_seconds = 0;
  std::string message = {};  // in place of the cause's own; mostly empty
};

// Linked while it is to be settled, or is kept after its end.
class KeptAnswer final : public AnswerDirectory::Entry,
                         public Backend,
                         public ListNode,
                         private EventSink,
                         private TimerOwner {
 public:
  // For the hand-off that asks for it, which is the first that answer() gets. `user`: what counts it; may be null.
  KeptAnswer(Handle handle, AnswerTable& table, HandoffRequest& request, Format format, Backend& backend,
             UserLimits::User* user);
  ~KeptAnswer();

  // --- For followers' streams ---

  // Why this client cannot follow it; with the status 204 if there is nothing that it has not seen.
  std::optional<Refusal> refusal_for(const HandoffRequest& request) const override;
  // The first call begins the answer; later ones join it.
  std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) override;
  std::string_view answer_id() const override { return id(); }
  // Begins the answer before it has a follower.
  void begin(std::unique_ptr<HandoffRequest> request);

  // --- For its followers ---

  const KeptFrames& frames() const { return frames_; }
  // Behind it are the frames of the end, which are handed on together with it.
  KeptFrames::Place content_end() const {
    const KeptFrames::Place end = frames_.end();
    return {end.byte - last_bytes_, end.event - last_events_};
  }
  // Null while it runs.
  const KeptAnswerEnd* end() const { return end_.get(); }
  // One has left; `has_end`: its client has got the answer's end.
  void on_follower_left(bool has_end);
  TimerWheel& timers() const;

  // --- For the table, and for those who watch ---

  Handle handle() const { return handle_; }
  Format format() const { return encoder_.format(); }
  // That answers it.
  Backend& source() const { return backend_; }
  UserLimits::User* user_count() const { return user_; }
  bool running() const { return end_ == nullptr; }
  // Whether another daemon runs it, which this one follows.
  bool is_import() const { return encoder_.passes_encoded(); }
  std::uint32_t followers() const { return follower_count_; }
  // Without those of the end.
  std::uint32_t events() const { return content_end().event; }
  // Of its frames, those included that were dropped.
  std::uint64_t bytes() const { return frames_.end().byte; }
  // What it holds.
  std::size_t kept_bytes() const;
  Time opened() const { return opened_; }
  Time ended() const { return waiting_since_; }  // once it does not run
  std::optional<Duration> first_event_after() const;
  std::string_view request_id() const { return std::string_view(details_).substr(0, request_id_bytes_); }
  std::string_view asked_model() const { return std::string_view(details_).substr(request_id_bytes_); }
  Usage usage() const { return usage_ ? *usage_ : Usage(); }

  // Only while it runs.
  void end_because(FailureKind why) { fail({.kind = why, .detail = {}}); }
  // The oldest frames that are kept together; false if there are only the latest.
  bool drop_oldest() { return frames_.drop_oldest(); }
  // Once it has ended: its time begins again.
  void keep_anew() { waiting_since_ = timers().clock(); }
  // Soon after the end: frees what only a running answer needs.
  void settle();

 private:
  void on_event(const AnswerEvent& event) override;
  void on_usage(const Usage& usage) override;
  void on_end(FinishReason reason) override;
  void on_failure(const BackendFailure& failure) override;
  bool wants_upstream_events() const override { return encoder_.wants_upstream_events(); }
  std::string stream_id() const override { return "of answer " + std::string(id()); }
  void on_timer(Timer&) override;

  bool is_numbered() const { return format() != Format::kUiMessage; }
  // What comes encoded is numbered already.
  bool adds_numbers() const { return is_numbered() && !is_import(); }
  void keep_last(std::string_view frames, bool numbered);
  void append_number(Buffer& out) const;
  void keep(std::string_view frames, std::uint32_t events);
  void fail(const BackendFailure& failure);
  void release_session();
  void end_with(KeptAnswerEnd end, std::string_view last_frames, bool numbered);
  // Where the client goes on; nothing if it has seen an event that is not known.
  std::optional<KeptFrames::Place> place_of(const HandoffRequest& request) const;
  std::optional<KeptFrames::Place> place_behind_id(std::string_view id) const;
  std::optional<KeptFrames::Place> place_behind(std::string_view number_text) const;
  Time wait_due() const;
  void arm();

  const Handle handle_;
  AnswerTable& table_;
  Backend& backend_;
  std::unique_ptr<BackendSession> session_;
  KeptFrames frames_;
  IntrusiveList<AnswerFollower> followers_;
  Timer timer_{*this};  // for the next event and the longest life
  Time life_due_ = Time::max();
  Time waiting_since_;  // for an event; after the end, since that
  const Time opened_;
  [[no_unique_address]] EventEncoder encoder_;
  const bool needs_followers_ : 1;  // it ends when the last one has left
  bool begun_ : 1 = false;
  bool answering_ : 1 = false;  // the backend has shown a sign of it
  bool too_large_ : 1 = false;  // it is to end
  bool a_client_has_end_ : 1 = false;
  bool has_last_frames_ : 1 = false;  // they came encoded
  std::uint8_t last_events_ = 0;
  std::uint16_t request_id_bytes_;
  std::uint32_t last_bytes_ = 0;
  std::uint32_t first_event_ms_ = 0;  // after the opening; of no meaning before there is one
  std::uint32_t follower_count_ = 0;
  std::unique_ptr<Usage> usage_;  // null until the upstream counts
  UserLimits::User* const user_;
  std::unique_ptr<KeptAnswerEnd> end_;
  std::string details_;  // for the log: the request_id, and behind it the model
};

static_assert(sizeof(KeptAnswer) <= 360, "each kept answer pays for it");

}  // namespace streaming
