// SPDX-License-Identifier: Apache-2.0
// KeptAnswer: an answer that lives apart from the clients who read it. It gets the backend's answer, encodes each event
// once, keeps the frames, and is to its followers' streams what a backend is to others.
//
// A slot of its worker's AnswerTable, on the worker's thread; it outlives its followers, because their streams use it
// as their backend. While it runs it owns the backend's session, which is never paused for a follower.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "answers/answer_directory.h"
#include "answers/kept_frames.h"
#include "backends/backend.h"
#include "backends/close_cause.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/intrusive_list.h"
#include "ring/timer_wheel.h"
#include "sse/event_encoder.h"

namespace streaming {

class AnswerFollower;
class AnswerTable;

// How it has ended, and what its followers are told of that.
struct KeptAnswerEnd {
  // What followers are told if it is not completed.
  std::uint16_t retry_after_seconds = 0;
  std::uint16_t status = 0;
  FailureKind failure = FailureKind::kStopped;
  CloseCause cause = CloseCause::kCompleted;
  FinishReason reason = FinishReason::kOther;  // the upstream's, if completed
};

// In one of its table's lists. Its names are in its own memory, behind the object.
class KeptAnswer final : public Backend, public ListNode, private EventSink, public AnswerDirectory::Entry {
 public:
  // For the hand-off that asks for it, which is the first that answer() gets. `counts_for_user`: its user's limits do.
  static std::unique_ptr<KeptAnswer> make(AnswerTable& table, HandoffRequest& request, Format format, Backend& backend,
                                          bool counts_for_user);
  ~KeptAnswer();

  static void operator delete(void* memory) { ::operator delete(memory); }

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
  const KeptAnswerEnd* end() const { return running() ? nullptr : &end_; }
  // What followers are told in place of the end's own words; mostly empty.
  std::string_view end_message() const { return remarks_ ? std::string_view(remarks_->message) : std::string_view(); }
  // One has read all that is kept: it gets what comes.
  void hand_on_to(AnswerFollower& follower);
  // One is to read what is kept, when the present call has returned to the loop.
  void read_later(AnswerFollower& follower);
  // One has left; `has_end`: its client has got the answer's end.
  void on_follower_left(bool has_end);

  // --- For the table, and for those who watch ---

  Format format() const { return encoder_.format(); }
  // That answers it.
  Backend& source() const { return backend_; }
  bool counts_for_user() const { return counts_for_user_; }
  bool running() const { return !ended_; }
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
  std::string_view request_id() const { return {user().data() + user().size(), request_id_bytes_}; }
  std::string_view asked_model() const { return {request_id().data() + request_id_bytes_, model_bytes_}; }
  // Until it is settled.
  Usage usage() const { return remarks_ ? remarks_->usage : Usage(); }

  // The table hears of the next event, and then of no other until this is called again. It always hears of the end.
  void want_news() { wants_news_ = true; }

  // Only while it runs.
  void end_because(FailureKind why) { fail({.kind = why, .detail = {}}); }
  // If it has waited too long for its backend, or has run too long.
  void end_if_overdue();
  // By how much it grows with frames of that size.
  std::size_t growth_by(std::size_t frame_bytes) const { return frames_.growth_by(frame_bytes); }
  // The oldest frames that are kept together; false if there are none.
  bool drop_oldest() { return frames_.drop_oldest(); }
  // Once it has ended: its time begins again.
  void keep_anew();
  // Soon after the end: frees what only a running answer needs.
  void settle();

 private:
  // What few answers have, or not for long.
  struct Remarks {
    Usage usage;
    std::string message;
  };
  struct Names;

  KeptAnswer(AnswerTable& table, const Names& names, EventEncoder encoder, Backend& backend, bool needs_followers,
             bool counts_for_user);
  // With room for the names.
  static void* operator new(std::size_t object_bytes, const Names& names);
  static void operator delete(void* memory, const Names&) { ::operator delete(memory); }

  void on_event(const AnswerEvent& event) override;
  void on_usage(const Usage& usage) override;
  void on_end(FinishReason reason) override;
  void on_failure(const BackendFailure& failure) override;
  bool wants_upstream_events() const override { return encoder_.wants_upstream_events(); }
  std::string stream_id() const override { return "of answer " + std::string(id()); }

  bool begun() const { return ended_ || session_ != nullptr; }
  bool is_numbered() const { return format() != Format::kUiMessage; }
  // What comes encoded is numbered already.
  bool adds_numbers() const { return is_numbered() && !is_import(); }
  void keep(std::string_view frames, std::uint32_t events);
  void keep_last(std::string_view frames, bool numbered);
  void append_number(Buffer& out) const;
  Remarks& remarks();
  void fail(const BackendFailure& failure);
  void release_session();
  void end_with(const KeptAnswerEnd& end, std::string_view last_frames, bool numbered);
  // Where the client goes on; nothing if it has seen an event that is not known.
  std::optional<KeptFrames::Place> place_of(const HandoffRequest& request) const;
  std::optional<KeptFrames::Place> place_behind_id(std::string_view id) const;
  std::optional<KeptFrames::Place> place_behind(std::string_view number_text) const;
  TimerWheel& timers() const;

  // Of the names, behind the id and the user. These stand first, because they take the room behind the Entry's members.
  const std::uint8_t model_bytes_;
  const std::uint16_t request_id_bytes_;
  // What an event needs, together.
  AnswerTable& table_;
  KeptFrames frames_;
  IntrusiveList<AnswerFollower> followers_;  // that have read all that is kept
  Time waiting_since_;                       // for an event; after the end, since that
  [[no_unique_address]] EventEncoder encoder_;
  bool needs_followers_ : 1;  // it ends when the last one has left
  bool counts_for_user_ : 1;
  bool ended_ : 1 = false;
  bool answering_ : 1 = false;  // the backend has shown a sign of it
  bool too_large_ : 1 = false;  // it is to end
  bool a_client_has_end_ : 1 = false;
  bool has_last_frames_ : 1 = false;  // they came encoded
  bool wants_news_ : 1 = false;
  std::uint8_t last_events_ = 0;
  std::uint32_t last_bytes_ = 0;
  // What it does not need.
  Backend& backend_;
  std::unique_ptr<BackendSession> session_;
  std::unique_ptr<Remarks> remarks_;
  const Time opened_;
  std::uint32_t first_event_ms_ = 0;  // after the opening; of no meaning before there is one
  std::uint32_t follower_count_ = 0;
  KeptAnswerEnd end_;  // once it has ended
};

static_assert(sizeof(KeptAnswer) <= 176, "each kept answer pays for it");

}  // namespace streaming
