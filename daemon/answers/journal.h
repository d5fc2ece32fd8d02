// SPDX-License-Identifier: Apache-2.0
// Journal: what must survive the process, written to files by the ring: all frames of a turn in one write, synced as
// the settings want it. What may be lost waits for such a write, because each costs a thread of the kernel its wake-up.
//
// Two per worker, owned by its Journals, on its thread: one for running answers and new reports, one for reports that
// wait to be sent again. A file is a segment. Who needs a frame pins its segment; the oldest segments are removed when
// no frame in them or before them is needed. So a later frame about a report is there as long as the earlier ones.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answers/journal_format.h"
#include "answers/limits.h"
#include "base/intrusive_list.h"
#include "base/unique_fd.h"
#include "metrics/counters.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"

namespace streaming {

enum class SyncPolicy : std::uint8_t { kNever, kEnd, kAlways };

class StoreTicket;

class StoreOwner {
 public:
  // The frame is in the file, and on the disk if that is wanted; or it is lost.
  virtual void on_stored(StoreTicket& ticket, bool stored) = 0;

 protected:
  ~StoreOwner() = default;
};

// For a frame that its owner waits for. A member of the owner; nobody is called any more once it is destroyed.
class StoreTicket : private ListNode {
 public:
  explicit StoreTicket(StoreOwner& owner) : owner_(owner) {}

  bool pending() const { return linked(); }

 private:
  friend class Journal;
  template <typename T>
  friend class IntrusiveList;

  StoreOwner& owner_;
};

// An open file, which lives until the last operation on it has completed.
struct Segment {
  std::uint32_t number = 0;  // in its journal
  std::string name;
  int fd = -1;
  std::uint64_t bytes = 0;  // with those that are not written yet
  std::uint32_t pins = 0;
  std::uint32_t operations = 0;  // of the ring, in flight
};

struct FramePlace {
  Segment* segment = nullptr;
  std::uint32_t bytes = 0;
  std::uint64_t offset = 0;
};

class Journal final : private WorkOwner, private TimerOwner {
 public:
  struct Settings {
    int directory = -1;  // of its files, borrowed
    SyncPolicy sync = SyncPolicy::kEnd;
    std::uint64_t max_bytes = 0;  // of all its files; 0: no limit
    std::string prefix;           // of its files' names
    std::uint32_t index = 0;      // of its operations' tags
  };

  // Borrows all but the settings.
  Journal(Ring& ring, TimerWheel& timers, Counters& counters, Settings settings);
  ~Journal();

  // Appends a frame, which append_...() of the format write, and pins its segment. Nothing if the journal takes none
  // now. With a ticket the owner is called, never from within.
  template <typename Append, typename Content>
  std::optional<FramePlace> append(Append&& append, const ReportId& id, const Content& content,
                                   StoreTicket* ticket = nullptr) {
    if (!takes_frames()) return std::nullopt;
    const std::size_t before = buffer_.size();
    append(buffer_, id, content);
    return appended(before, ticket);
  }
  // Appends a frame that may be lost with the process's last moment: a report is only sent once more then. Without a
  // pin, and without effect if the journal takes none.
  template <typename Append, typename... Content>
  void note(Append&& append, const ReportId& id, const Content&... content) {
    if (!takes_frames()) return;
    const std::size_t before = buffer_.size();
    append(buffer_, id, content...);
    count_appended(before);
    if (!notes_due_.pending()) timers_.schedule(notes_due_, kJournalNotePause);
  }

  void unpin(Segment*& segment);

  // A file with frames of another process, written and closed: they are pinned `pins` times.
  Segment& adopt(UniqueFd file, std::string name, std::uint64_t bytes, std::uint32_t pins);

  void on_opened(const Completion& completion);
  void on_written(const Completion& completion);
  void on_synced(const Completion& completion);
  void on_removed(const Completion& completion);
  // Of a read of a frame, which the Journals do.
  void end_operation(Segment& segment);

  // Whether no operation is in flight and none is to come.
  bool idle() const { return target_ == nullptr && buffer_.empty() && removing_.empty() && !failed_work_.pending(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  bool takes_frames();
  FramePlace appended(std::size_t before, StoreTicket* ticket);
  FramePlace count_appended(std::size_t before);
  void on_work(Work& work) override;
  void on_timer(Timer& timer) override;
  void check_progress();
  void write();
  void open_file();
  void submit_write();
  void frames_written();
  void finish(bool stored);
  void fail(std::string_view reason);
  static void call_owners(IntrusiveList<StoreTicket>& tickets, bool stored);
  Segment& current() { return *segments_.back(); }
  void begin_segment();
  void remove_unneeded();
  Tag tag(Operation operation) const { return Tag{operation, Handle{settings_.index, 0}}; }

  Ring& ring_;
  TimerWheel& timers_;
  Counters& counters_;
  const Settings settings_;
  std::deque<std::unique_ptr<Segment>> segments_;      // the last one is written
  std::vector<std::unique_ptr<Segment>> removing_;
  std::uint32_t next_number_ = 0;
  std::uint64_t bytes_ = 0;      // of all segments
  std::string buffer_;           // for the next write
  bool due_ = false;             // it has more than notes, or they have waited long enough
  std::string writing_;          // unchanged while the kernel writes it
  std::size_t written_ = 0;      // of it
  std::uint64_t offset_ = 0;     // of its beginning in the file
  Segment* target_ = nullptr;    // of what is in flight; null while nothing is
  open_how how_{};
  Time began_{};         // of the operation in flight
  bool hangs_ = false;   // that has taken longer than kDiskPatience
  bool failed_ = false;  // nothing is taken until the pause is over
  IntrusiveList<StoreTicket> next_tickets_;     // for the frames in buffer_
  IntrusiveList<StoreTicket> present_tickets_;  // for those in writing_
  IntrusiveList<StoreTicket> failed_tickets_;
  Work work_{*this};
  Work failed_work_{*this};
  Timer pause_{*this};
  Timer patience_{*this};  // pending for some time after an operation's beginning
  Timer notes_due_{*this};
};

}  // namespace streaming
