// SPDX-License-Identifier: Apache-2.0
// AnswerFollower: one stream's way through a kept answer. It hands on what is kept behind its place, then each event as
// it comes, and the end. A pause concerns it alone.
//
// The session of its stream, owned by that, on the worker's thread. It borrows the answer, which outlives it. It is
// among the answer's followers from its construction on, so no event comes between what is kept and what is new.

#pragma once

#include "answers/kept_answer.h"
#include "backends/backend.h"
#include "base/intrusive_list.h"
#include "ring/timer_wheel.h"

namespace streaming {

class AnswerFollower final : public BackendSession, public ListNode, private WorkOwner {
 public:
  // `for_successor`: the daemon that takes this one's place reads the answer (see answers/answer_marks.h).
  AnswerFollower(KeptAnswer& answer, const KeptFrames::Place& place, bool for_successor, EventSink& sink);
  ~AnswerFollower() override;

  void pause() override { paused_ = true; }
  void resume() override;
  void cancel() override;
  void on_stream_end(bool client_has_end) override { client_has_end_ = client_has_end && finished_; }

  // For the answer: it has kept these frames, which begin at `place`; or it has ended.
  void on_frames(const KeptFrames::Place& place, std::string_view frames);
  void on_end();

 private:
  void on_work(Work&) override;
  void hand_on(std::string_view frames, const KeptFrames::Place& end);
  void finish();
  void hand_on_mark(std::string_view mark);

  KeptAnswer& answer_;
  EventSink* sink_;  // null once the stream wants no more
  Work later_{*this};
  KeptFrames::Place place_;
  bool marks_due_ = false;  // what is kept is to be followed by a mark
  const bool for_successor_;
  bool paused_ = false;
  bool finished_ = false;  // the end was handed on
  bool client_has_end_ = false;
};

}  // namespace streaming
