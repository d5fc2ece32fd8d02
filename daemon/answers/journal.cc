// SPDX-License-Identifier: Apache-2.0
#include "answers/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "answers/limits.h"
#include "base/check.h"
#include "base/log.h"

namespace streaming {
namespace {

std::uint32_t in_tag(std::uint32_t number) {
  return number & ((1u << Handle::kGenerationBits) - 1);
}

}  // namespace

Journal::Journal(Ring& ring, TimerWheel& timers, Counters& counters, Settings settings)
    : ring_(ring), timers_(timers), counters_(counters), settings_(std::move(settings)) {
  begin_segment();
}

Journal::~Journal() {
  for (const std::unique_ptr<Segment>& segment : segments_) {
    if (segment->fd >= 0) close(segment->fd);
  }
}

// --- Appending ------------------------------------------------------------------------------------------------------

bool Journal::takes_frames() {
  if (failed_) return false;
  const bool full = settings_.max_bytes != 0 && bytes_ >= settings_.max_bytes;
  if (!full && buffer_.size() < kMaxUnwrittenBytes) return true;
  fail(full ? "its files have reached answers.max_journal_bytes" : "the disk is too slow");
  return false;
}

FramePlace Journal::appended(std::size_t before, StoreTicket* ticket) {
  const FramePlace place = count_appended(before);
  ++current().pins;
  if (ticket != nullptr) next_tickets_.push_back(*ticket);
  due_ = true;
  timers_.at_turn_end(work_);
  return place;
}

FramePlace Journal::count_appended(std::size_t before) {
  const std::size_t bytes = buffer_.size() - before;
  const FramePlace place{&current(), static_cast<std::uint32_t>(bytes), current().bytes};
  current().bytes += bytes;
  bytes_ += bytes;
  return place;
}

void Journal::unpin(Segment*& segment) {
  if (segment == nullptr) return;
  CHECK(segment->pins > 0);
  --std::exchange(segment, nullptr)->pins;
  remove_unneeded();
}

// In front of the present one: later frames about its reports must not be removed before it.
Segment& Journal::adopt(UniqueFd file, std::string name, std::uint64_t bytes, std::uint32_t pins) {
  auto segment = std::make_unique<Segment>();
  segment->number = next_number_++;
  segment->name = std::move(name);
  segment->fd = file.release();
  segment->bytes = bytes;
  segment->pins = pins;
  bytes_ += bytes;
  Segment& adopted = *segment;
  segments_.insert(segments_.end() - 1, std::move(segment));
  return adopted;
}

// --- Writing --------------------------------------------------------------------------------------------------------

void Journal::begin_segment() {
  auto segment = std::make_unique<Segment>();
  segment->number = next_number_++;
  segment->name = settings_.prefix + std::to_string(segment->number);
  segments_.push_back(std::move(segment));
}

void Journal::on_work(Work& work) {
  if (&work == &failed_work_) return call_owners(failed_tickets_, false);
  write();
}

void Journal::write() {
  if (target_ != nullptr || !due_) return;
  target_ = &current();
  ++target_->operations;
  began_ = timers_.now();
  if (!patience_.pending()) timers_.schedule(patience_, kDiskPatience);
  if (target_->fd < 0) return open_file();
  due_ = false;
  notes_due_.stop();
  writing_.clear();
  writing_.swap(buffer_);
  written_ = 0;
  offset_ = target_->bytes - writing_.size();
  present_tickets_.splice_back(next_tickets_);
  submit_write();
  if (target_->bytes >= kSegmentBytes) begin_segment();
}

void Journal::open_file() {
  how_ = {.flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, .mode = 0600, .resolve = 0};
  ring_.submit_open(settings_.directory, target_->name.c_str(), how_, tag(Operation::kJournalOpen));
}

void Journal::on_opened(const Completion& completion) {
  if (completion.result < 0) {
    fail(std::strerror(-completion.result));
    return finish(false);
  }
  target_->fd = completion.result;
  if (settings_.sync == SyncPolicy::kNever) {
    finish(true);
    return write();
  }
  // Without its entry in the directory the file would be lost.
  ring_.submit_sync(RingFile::regular(settings_.directory), tag(Operation::kJournalSync));
}

void Journal::submit_write() {
  ring_.submit_write(RingFile::regular(target_->fd), std::span(writing_).subspan(written_), offset_ + written_,
                     tag(Operation::kJournalWrite));
}

void Journal::on_written(const Completion& completion) {
  if (completion.result <= 0) {
    fail(std::strerror(completion.result == 0 ? ENOSPC : -completion.result));
    return finish(false);
  }
  written_ += static_cast<std::size_t>(completion.result);
  if (written_ < writing_.size()) return submit_write();
  frames_written();
}

void Journal::frames_written() {
  const bool sync = settings_.sync == SyncPolicy::kAlways ||
                    (settings_.sync == SyncPolicy::kEnd && !present_tickets_.empty());
  if (sync) return ring_.submit_sync(RingFile::regular(target_->fd), tag(Operation::kJournalSync));
  finish(true);
  write();
}

void Journal::on_synced(const Completion& completion) {
  if (completion.result < 0) fail(std::strerror(-completion.result));
  finish(completion.result >= 0);
  write();
}

// What was in flight is over.
void Journal::finish(bool stored) {
  Segment* const segment = std::exchange(target_, nullptr);
  hangs_ = false;
  if (writing_.capacity() > kSegmentBytes) std::string().swap(writing_);
  end_operation(*segment);
  call_owners(present_tickets_, stored);
}

void Journal::call_owners(IntrusiveList<StoreTicket>& tickets, bool stored) {
  IntrusiveList<StoreTicket> present;
  present.splice_back(tickets);
  while (StoreTicket* ticket = present.pop_front()) ticket->owner_.on_stored(*ticket, stored);
}

// Who waits for what is in flight learns that it is not stored, which may prove wrong.
void Journal::check_progress() {
  if (target_ == nullptr || hangs_) return;
  const Time due = began_ + kDiskPatience;
  if (timers_.now() < due) return timers_.schedule_at(patience_, due);
  hangs_ = true;
  failed_tickets_.splice_back(present_tickets_);
  fail("the disk has not answered for " + std::to_string(kDiskPatience.count()) + " ms");
}

// As long as the disk hangs, nothing is taken: it would wait in vain.
void Journal::on_timer(Timer& timer) {
  if (&timer == &patience_) return check_progress();
  if (&timer == &notes_due_) {
    due_ = true;
    return write();
  }
  failed_ = hangs_;
  if (!hangs_) return;
  counters_.add(Counter::kJournalFailures);
  timers_.schedule(pause_, kJournalRetryPause);
}

// What waits to be written is lost. The file may end with half a frame, so later frames go to another one.
void Journal::fail(std::string_view reason) {
  if (!failed_) {
    log::error("the journal of answers is not written: {}; answers go on, and reports of those that end meanwhile are "
               "not on disk: they are lost if the daemon ends before their hooks have taken them",
               reason);
  }
  counters_.add(Counter::kJournalFailures);
  failed_ = true;
  timers_.schedule(pause_, kJournalRetryPause);
  current().bytes -= buffer_.size();
  bytes_ -= buffer_.size();
  buffer_.clear();
  due_ = false;
  notes_due_.stop();
  begin_segment();
  failed_tickets_.splice_back(next_tickets_);
  timers_.soon(failed_work_);
}

// --- Removing -------------------------------------------------------------------------------------------------------

void Journal::end_operation(Segment& segment) {
  CHECK(segment.operations > 0);
  --segment.operations;
  remove_unneeded();
}

void Journal::remove_unneeded() {
  while (segments_.size() > 1 && segments_.front()->pins == 0 && segments_.front()->operations == 0) {
    std::unique_ptr<Segment> segment = std::move(segments_.front());
    segments_.pop_front();
    CHECK(bytes_ >= segment->bytes);
    bytes_ -= segment->bytes;
    if (segment->fd < 0) continue;  // it was never made
    ring_.submit_close(RingFile::regular(segment->fd), Tag{});
    ring_.submit_remove(settings_.directory, segment->name.c_str(),
                        Tag{Operation::kJournalRemove, Handle{settings_.index, in_tag(segment->number)}});
    removing_.push_back(std::move(segment));
  }
}

void Journal::on_removed(const Completion& completion) {
  const auto removed = std::find_if(removing_.begin(), removing_.end(), [&](const auto& segment) {
    return in_tag(segment->number) == completion.tag.slot.generation;
  });
  CHECK(removed != removing_.end());
  if (completion.result < 0) log::warn("a file of the journal cannot be removed: {}", std::strerror(-completion.result));
  removing_.erase(removed);
}

}  // namespace streaming
