// SPDX-License-Identifier: Apache-2.0
// The journal over a ring whose completions the test decides, and a session that waits for it.

#include "answers/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "answers/answer_reports.h"
#include "answers/fake_hooks.h"
#include "answers/journals.h"
#include "answers/limits.h"
#include "answers/silent_backend.h"
#include "base/log.h"
#include "support/fake_ring.h"
#include "support/parsed_payload.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

class JournalTest : public testing::Test, private CompletionHandler, protected StoreOwner {
 protected:
  explicit JournalTest(SyncPolicy sync = SyncPolicy::kEnd)
      : journals(ring, timers, counters, {.directory = 1000, .sync = sync, .max_bytes = 0, .worker = 3}) {
    log::set_level(log::Level::kOff);
    journals.enter_at(completions);
    ring.set_handler(*this);
  }

  Journal& journal() { return journals.answers(); }
  std::optional<FramePlace> report(const std::string& body, StoreTicket* its_ticket = nullptr) {
    return journal().append(append_report, ReportId{}, ReportContent{0, {}, "chat", body}, its_ticket);
  }
  void turn() {
    timers.expire();
    timers.end_turn();
  }
  void open() {
    ring.complete(Operation::kJournalOpen, ::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (ring.count(Operation::kJournalSync) > 0) ring.complete(Operation::kJournalSync, 0);
  }
  std::string write() {
    const std::string bytes = ring.find(Operation::kJournalWrite).bytes;
    ring.complete(Operation::kJournalWrite, static_cast<std::int32_t>(bytes.size()));
    return bytes;
  }
  static std::size_t frames_in(std::string_view bytes) {
    FrameReader reader(bytes);
    std::size_t count = 0;
    while (reader.next()) ++count;
    return count;
  }
  void on_stored(StoreTicket&, bool is_stored) override { stored = is_stored; }

  FakeRing ring;
  TimerWheel timers{Time(Duration(1000))};
  Counters counters;
  Journals journals;
  CompletionTable completions;
  StoreTicket ticket{*this};
  std::optional<bool> stored;

 private:
  void on_completion(const Completion& completion) override {
    completions.on_completion(completion);
    turn();
  }
};

TEST_F(JournalTest, WritesATurnsFramesTogetherAndSyncsThoseThatSomebodyWaitsFor) {
  report("{1}");
  report("{2}", &ticket);
  EXPECT_EQ(ring.pending.size(), 0u) << "not before the turn's end";
  turn();
  open();
  report("{3}");
  EXPECT_EQ(frames_in(write()), 2u);
  EXPECT_FALSE(stored) << "not synced yet";
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_EQ(stored, true);
  EXPECT_EQ(frames_in(write()), 1u) << "what came while the other was written";
  EXPECT_EQ(ring.count(Operation::kJournalSync), 0) << "nobody waits for it";
  EXPECT_TRUE(journals.idle());
}

TEST_F(JournalTest, KeepsForTheNextWriteOrForAMomentWhatMayBeLost) {
  const auto note = [this] { journal().note(append_client_end, ReportId{}, true); };
  note();
  turn();
  EXPECT_EQ(ring.pending.size(), 0u);
  report("{1}", &ticket);
  turn();
  open();
  note();
  EXPECT_EQ(frames_in(write()), 2u);
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_EQ(ring.pending.size(), 0u) << "what came meanwhile may wait too";
  EXPECT_FALSE(journals.idle());
  timers.set_now(timers.now() + kJournalNotePause);
  turn();
  EXPECT_EQ(frames_in(write()), 1u);
  EXPECT_TRUE(journals.idle());
}

class UnsyncedJournalTest : public JournalTest {
 protected:
  UnsyncedJournalTest() : JournalTest(SyncPolicy::kNever) {}
};

TEST_F(UnsyncedJournalTest, OnlyWrites) {
  report("{1}", &ticket);
  turn();
  open();
  EXPECT_FALSE(stored);
  write();
  EXPECT_EQ(stored, true);
  EXPECT_EQ(ring.count(Operation::kJournalSync), 0);
}

TEST_F(JournalTest, GoesOnWithTheRestOfAWriteThatWasShort) {
  report("{1}", &ticket);
  turn();
  open();
  const std::string all = ring.find(Operation::kJournalWrite).bytes;
  ring.complete(Operation::kJournalWrite, 5);
  EXPECT_EQ(ring.find(Operation::kJournalWrite).bytes, all.substr(5));
}

TEST_F(JournalTest, ReportsWhatADiskThatIsFullHasNotTakenAndGoesOnInAnotherFile) {
  report("{1}", &ticket);
  turn();
  open();
  StoreTicket behind{*this};
  report("{2}", &behind);
  ring.complete(Operation::kJournalWrite, -ENOSPC);
  turn();
  EXPECT_EQ(stored, false);
  EXPECT_FALSE(ticket.pending());
  EXPECT_FALSE(behind.pending());
  EXPECT_FALSE(report("{3}")) << "not again at once";
  EXPECT_EQ(counters.get(Counter::kJournalFailures), 1u);
  timers.set_now(timers.now() + kJournalRetryPause);
  turn();
  EXPECT_TRUE(report("{4}", &ticket));
  turn();
  open();
  EXPECT_EQ(frames_in(write()), 1u);
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_EQ(stored, true);
}

TEST_F(JournalTest, ReportsAFileThatCannotBeMadeOrSynced) {
  report("{1}", &ticket);
  turn();
  ring.complete(Operation::kJournalOpen, -EACCES);
  turn();
  EXPECT_EQ(stored, false);
  timers.set_now(timers.now() + kJournalRetryPause);
  turn();
  report("{2}", &ticket);
  turn();
  open();
  write();
  ring.complete(Operation::kJournalSync, -EIO);
  turn();
  EXPECT_EQ(stored, false);
}

TEST_F(JournalTest, HoldsABoundedAmountIfTheDiskHangs) {
  report("{1}");
  turn();
  open();
  const std::string body = "{" + std::string(1024 * 1024, 'b');
  std::size_t taken = 0;
  while (taken < 1000 && report(body)) ++taken;
  EXPECT_LE(taken, kMaxUnwrittenBytes / body.size() + 1);
  write();
  turn();
  EXPECT_TRUE(journals.idle());
}

TEST_F(JournalTest, WaitsOnlySoLongForADiskThatHangs) {
  report("{1}", &ticket);
  turn();
  open();
  write();
  timers.set_now(timers.now() + kDiskPatience);
  turn();
  turn();
  EXPECT_EQ(stored, false) << "the sync has not returned";
  for (int seconds = 0; seconds < 5; ++seconds) {
    EXPECT_FALSE(report("{2}")) << "it would wait in vain";
    timers.set_now(timers.now() + kJournalRetryPause);
    turn();
  }
  EXPECT_EQ(counters.get(Counter::kJournalFailures), 6u);
  EXPECT_FALSE(journals.idle());
  stored.reset();
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_FALSE(stored) << "it was called before";
  timers.set_now(timers.now() + kJournalRetryPause);
  turn();
  EXPECT_TRUE(report("{3}", &ticket));
  turn();
  open();
  EXPECT_EQ(frames_in(write()), 1u);
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_EQ(stored, true);
}

TEST_F(JournalTest, DoesNotTakeManyQuickOperationsForOneThatHangs) {
  for (int i = 0; i < 10; ++i) {
    report("{1}", &ticket);
    turn();
    if (i == 0) open();
    timers.set_now(timers.now() + kDiskPatience / 2);
    turn();
    write();
    ring.complete(Operation::kJournalSync, 0);
    EXPECT_EQ(stored, true);
  }
  EXPECT_EQ(counters.get(Counter::kJournalFailures), 0u);
}

TEST_F(JournalTest, RemovesTheOldestFilesThatNobodyNeeds) {
  const std::string body = "{" + std::string(kSegmentBytes / 2, 'b');
  std::vector<Segment*> segments;
  for (int i = 0; i < 6; ++i) {
    segments.push_back(report(body)->segment);
    turn();
    if (ring.count(Operation::kJournalOpen) > 0) open();
    write();
  }
  EXPECT_NE(segments[1], segments[2]);
  journal().unpin(segments[2]);
  journal().unpin(segments[3]);
  EXPECT_EQ(ring.count(Operation::kJournalRemove), 0) << "one before it is needed";
  journal().unpin(segments[0]);
  journal().unpin(segments[1]);
  EXPECT_EQ(ring.count(Operation::kJournalRemove), 2);
  EXPECT_FALSE(journals.idle());
  ring.complete(Operation::kJournalRemove, 0);
  ring.complete(Operation::kJournalRemove, 0);
  EXPECT_TRUE(journals.idle());
}

// --- A session over it ----------------------------------------------------------------------------------------------

class JournaledSessionTest : public JournalTest {
 protected:
  JournaledSessionTest() { begin(); }

  static Config config() {
    Config made;
    made.hooks["chat"] = {{"url", "http://chat/"}, {"secret", kHookSecret}};
    return made;
  }
  void begin() {
    session = reports.answer(backend, parsed(R"({"on_end":"chat"})"), sink);
    turn();
    open();
    written = write();
  }
  void text(std::string_view piece) {
    backend.sink->on_event({.kind = AnswerEvent::Kind::kText, .text = piece});
    turn();
  }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    turn();
    turn();
  }

  FakeHooks http;
  ByteBudget records{kMaxRecordsBytes};
  AnswerReports reports{config(), timers, http, counters, records, &journals};
  SilentBackend backend;
  RecordingSink sink;
  std::unique_ptr<BackendSession> session;
  std::string written;
};

TEST_F(JournaledSessionTest, GivesTheClientTheEndWhenTheDiskHasTheReport) {
  text("hi");
  backend.sink->on_end(FinishReason::kStop);
  EXPECT_EQ(backend.cancelled, 1);
  turn();
  EXPECT_NE(write().find("\"text\":\"hi\""), std::string::npos);
  EXPECT_EQ(sink.ends, 0);
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_EQ(sink.ends, 1);
}

TEST_F(JournaledSessionTest, GivesTheClientTheEndIfTheDiskHasFailed) {
  backend.sink->on_failure({.kind = FailureKind::kStatus, .detail = std::string("status 500"), .status = 500});
  turn();
  ring.complete(Operation::kJournalWrite, -EIO);
  turn();
  EXPECT_EQ(sink.failure, FailureKind::kStatus);
  EXPECT_EQ(sink.detail, "status 500");
  EXPECT_EQ(sink.status, 500);
}

TEST_F(JournaledSessionTest, GivesTheClientTheEndIfTheDiskHangs) {
  backend.sink->on_end(FinishReason::kStop);
  turn();
  write();
  EXPECT_EQ(sink.ends, 0);
  pass(kDiskPatience);
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(counters.get(Counter::kReportsNotOnDisk), 1u);
  session->on_stream_end(true);
  turn();
  ASSERT_EQ(http.waiting(), 1u) << "the report is sent nevertheless";
  http.answer(200);
  turn();
  EXPECT_EQ(reports.delivery().waiting(), 0u);
  ring.complete(Operation::kJournalSync, 0);
  pass(kJournalRetryPause);
  EXPECT_TRUE(reports.delivery().idle());
}

TEST_F(JournaledSessionTest, IsSilentIfTheClientLeavesWhileTheDiskIsWaitedFor) {
  backend.sink->on_end(FinishReason::kStop);
  turn();
  session->on_answer_end(CloseCause::kClientGone);
  session->cancel();
  write();
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_EQ(sink.ends, 0);
  session->on_stream_end(false);
  session.reset();
  turn();
  ASSERT_EQ(http.waiting(), 1u);
  EXPECT_NE(http.front().request.body.find("\"cause\":\"completed\""), std::string::npos) << "the answer was whole";
}

TEST_F(JournaledSessionTest, WritesTheTextsOfRunningAnswersTwiceASecond) {
  EXPECT_EQ(frames_in(written), 1u) << "the beginning";
  text("Hel");
  text("lo");
  EXPECT_EQ(ring.count(Operation::kJournalWrite), 0);
  pass(kTextPause);
  const std::string first = write();
  EXPECT_EQ(frames_in(first), 1u);
  EXPECT_NE(first.find("Hello"), std::string::npos);
  pass(kTextPause);
  EXPECT_EQ(ring.count(Operation::kJournalWrite), 0) << "there is no more";
  text(" world");
  pass(kTextPause);
  EXPECT_NE(write().find(" world"), std::string::npos);
}

TEST_F(JournaledSessionTest, KeepsAReportThatFailedInTheJournalAlone) {
  backend.sink->on_end(FinishReason::kStop);
  turn();
  write();
  ring.complete(Operation::kJournalSync, 0);
  session->cancel();
  session->on_stream_end(true);
  session.reset();
  turn();
  const std::string body = http.front().request.body;
  const std::string id = http.front().header("webhook-id");
  http.answer(500);
  turn();
  open();
  std::string frame;
  while (frame.find(body) == std::string::npos) frame = write();
  ring.complete(Operation::kJournalSync, 0);
  EXPECT_EQ(reports.delivery().waiting(), 1u);
  pass(kReportPauses[0]);
  ASSERT_EQ(http.waiting(), 0u) << "it is read first";
  const std::span<char> room = ring.find(Operation::kJournalRead).room;
  ASSERT_EQ(room.size(), frame.size());
  std::copy(frame.begin(), frame.end(), room.begin());
  ring.complete(Operation::kJournalRead, static_cast<std::int32_t>(frame.size()));
  ASSERT_EQ(http.waiting(), 1u);
  EXPECT_EQ(http.front().request.body, body);
  EXPECT_EQ(http.front().header("webhook-id"), id);
  http.answer(200);
  turn();
  EXPECT_EQ(reports.delivery().waiting(), 0u);
  EXPECT_TRUE(reports.delivery().idle());
}

TEST_F(JournaledSessionTest, KeepsAReportThatTheDiskDoesNotGiveAndReadsItAgain) {
  backend.sink->on_end(FinishReason::kStop);
  turn();
  write();
  ring.complete(Operation::kJournalSync, 0);
  session->cancel();
  session->on_stream_end(true);
  session.reset();
  turn();
  const std::string body = http.front().request.body;
  http.answer(500);
  turn();
  open();
  std::string frame;
  while (frame.find(body) == std::string::npos) frame = write();
  ring.complete(Operation::kJournalSync, 0);
  pass(kReportPauses[0]);
  ring.complete(Operation::kJournalRead, -EIO);
  turn();
  EXPECT_EQ(counters.get(Counter::kReportsLost), 0u);
  EXPECT_EQ(reports.delivery().waiting(), 1u);
  EXPECT_TRUE(reports.delivery().idle()) << "the next process has it, too";
  pass(kUnreadReportPause);
  const std::span<char> room = ring.find(Operation::kJournalRead).room;
  ASSERT_EQ(room.size(), frame.size());
  std::copy(frame.begin(), frame.end(), room.begin());
  ring.complete(Operation::kJournalRead, static_cast<std::int32_t>(frame.size()));
  ASSERT_EQ(http.waiting(), 1u);
  EXPECT_EQ(http.front().request.body, body);
}

}  // namespace
}  // namespace streaming
