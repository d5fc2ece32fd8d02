// SPDX-License-Identifier: Apache-2.0
#include "answers/journals.h"

#include <utility>

#include "base/check.h"

namespace streaming {
namespace {

Journal::Settings settings_of(const Journals::Settings& settings, std::uint32_t index, const char* name) {
  return {.directory = settings.directory,
          .sync = settings.sync,
          .max_bytes = settings.max_bytes,
          .prefix = std::to_string(settings.worker) + "." + name + ".",
          .index = index};
}

}  // namespace

struct Journals::Read {
  Read(Handle own, const FramePlace& frame, ReportReceiver& reader)
      : handle(own), place(frame), receiver(&reader), bytes(frame.bytes, '\0') {}

  const Handle handle;
  const FramePlace place;
  ReportReceiver* receiver;  // null if nobody wants it any more
  std::string bytes;
  std::size_t read = 0;
};

Journals::Journals(Ring& ring, TimerWheel& timers, Counters& counters, const Settings& settings)
    : ring_(ring),
      answers_(ring, timers, counters, settings_of(settings, 0, "answers")),
      waiting_(ring, timers, counters, settings_of(settings, 1, "waiting")),
      reads_(kUnlimited) {
}

Journals::~Journals() = default;

void Journals::enter_at(CompletionTable& completions) {
  completions.enter<&Journals::on_opened>(Operation::kJournalOpen, *this);
  completions.enter<&Journals::on_written>(Operation::kJournalWrite, *this);
  completions.enter<&Journals::on_synced>(Operation::kJournalSync, *this);
  completions.enter<&Journals::on_removed>(Operation::kJournalRemove, *this);
  completions.enter<&Journals::on_read>(Operation::kJournalRead, *this);
}

Handle Journals::read(const FramePlace& place, ReportReceiver& receiver) {
  Read& read = *reads_.create(place, receiver);
  ++place.segment->operations;
  submit_read(read);
  return read.handle;
}

void Journals::forget(Handle handle) {
  Read* read = reads_.find(handle);
  CHECK(read != nullptr);
  read->receiver = nullptr;
}

void Journals::submit_read(Read& read) {
  ring_.submit_read(RingFile::regular(read.place.segment->fd), std::span(read.bytes).subspan(read.read),
                    read.place.offset + read.read, Tag{Operation::kJournalRead, read.handle});
}

void Journals::on_read(const Completion& completion) {
  Read& read = *reads_.find(completion.tag.slot);
  if (completion.result > 0) {
    read.read += static_cast<std::size_t>(completion.result);
    if (read.read < read.bytes.size()) return submit_read(read);
  }
  const std::string bytes = std::move(read.bytes);
  ReportReceiver* const receiver = read.receiver;
  Segment& segment = *read.place.segment;
  reads_.destroy(read, read.handle);
  if (receiver != nullptr) {
    const bool whole = completion.result > 0;
    FrameReader reader(bytes);
    receiver->on_report(whole ? reader.next() : std::nullopt);
  }
  waiting_.end_operation(segment);
}

}  // namespace streaming
