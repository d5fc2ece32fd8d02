// SPDX-License-Identifier: Apache-2.0
// Journals: a worker's two journals, and the reading of what they have.
//
// Owned by the worker, on its thread; outlives all that has something in them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "answers/journal.h"
#include "base/slab.h"
#include "ring/completion_table.h"

namespace streaming {

class ReportReceiver {
 public:
  // Nothing if it cannot be read. Valid during the call.
  virtual void on_report(const std::optional<Frame>& frame) = 0;

 protected:
  ~ReportReceiver() = default;
};

class Journals {
 public:
  struct Settings {
    int directory = -1;  // of this process's journals, borrowed
    SyncPolicy sync = SyncPolicy::kEnd;
    std::uint64_t max_bytes = 0;  // of this worker's
    std::uint32_t worker = 0;
  };

  Journals(Ring& ring, TimerWheel& timers, Counters& counters, const Settings& settings);
  ~Journals();

  // Of running answers, and of reports until they have been sent once.
  Journal& answers() { return answers_; }
  // Of reports that wait.
  Journal& waiting() { return waiting_; }

  // Reads a frame of waiting(), not from within, unless forget() comes first.
  Handle read(const FramePlace& place, ReportReceiver& receiver);
  void forget(Handle read);

  void enter_at(CompletionTable& completions);

  bool idle() const { return answers_.idle() && waiting_.idle() && reads_.size() == 0; }
  std::uint64_t bytes() const { return answers_.bytes() + waiting_.bytes(); }

 private:
  struct Read;

  Journal& journal_of(const Completion& completion) { return completion.tag.slot.index == 0 ? answers_ : waiting_; }
  void on_opened(const Completion& completion) { journal_of(completion).on_opened(completion); }
  void on_written(const Completion& completion) { journal_of(completion).on_written(completion); }
  void on_synced(const Completion& completion) { journal_of(completion).on_synced(completion); }
  void on_removed(const Completion& completion) { journal_of(completion).on_removed(completion); }
  void on_read(const Completion& completion);
  void submit_read(Read& read);

  Ring& ring_;
  Journal answers_;
  Journal waiting_;
  Slab<Read> reads_;
};

}  // namespace streaming
