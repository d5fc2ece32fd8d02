// SPDX-License-Identifier: Apache-2.0
// AnswerFollower: one stream's way through a kept answer. It hands on what is kept behind its place, then each event as
// it comes, and the end. A pause concerns it alone.
//
// The session of its stream, owned by that, on the worker's thread. It borrows the answer, which outlives it.
//
// It is in one of two lists, or in none while it pauses: the answer's, if it has read all that is kept and waits for
// what comes, or the table's, of those that are to read what is kept.

#pragma once

#include <cstdint>
#include <string_view>

#include "answers/kept_answer.h"
#include "backends/backend.h"
#include "base/intrusive_list.h"

namespace streaming {

class AnswerFollower final : public BackendSession, public ListNode {
 public:
  // `for_successor`: the daemon that takes this one's place reads the answer (see answers/answer_marks.h).
  AnswerFollower(KeptAnswer& answer, const KeptFrames::Place& place, bool for_successor, EventSink& sink);
  ~AnswerFollower() override;

  void pause() override;
  void resume() override;
  void cancel() override;
  void on_answer_end(CloseCause cause) override;
  void on_stream_end(bool client_has_end) override { client_has_end_ = client_has_end && finished_; }

  // For the answer, while it is in its list: it has got these frames, which end at `end`.
  void on_frames(std::string_view frames, const KeptFrames::Place& end) { hand_on(frames, end); }
  // For the table: reads what is kept, and then waits for more, unless the answer has ended.
  void read_on();

 private:
  KeptFrames::Place place() const { return {byte_, event_}; }
  void hand_on(std::string_view frames, const KeptFrames::Place& end);
  void finish();
  void hand_on_mark(std::string_view mark);

  KeptAnswer& answer_;
  EventSink* sink_;  // null once the stream wants no more
  // Its place. No KeptFrames::Place, behind which the flags would need memory of their own.
  std::uint64_t byte_;
  std::uint32_t event_;
  bool marks_due_ : 1 = false;  // what is kept is to be followed by a mark
  const bool for_successor_ : 1;
  bool paused_ : 1 = false;
  bool finished_ : 1 = false;  // the end was handed on
  bool client_has_end_ : 1 = false;
};

static_assert(sizeof(AnswerFollower) <= 56, "each client that reads a kept answer pays for it");

}  // namespace streaming
