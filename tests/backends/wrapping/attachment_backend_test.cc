// SPDX-License-Identifier: Apache-2.0
// Attachments are read before the backend begins, from a disk whose answers the test decides.

#include "backends/wrapping/attachment_backend.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "support/fake_ring.h"
#include "support/parsed_payload.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

constexpr int kNoDescriptor = 1'000'000;  // higher than any file here

// Begins; the test calls its sink.
struct InnerBackend final : DirectBackend {
  struct Session final : BackendSession {
    void pause() override {}
    void resume() override {}
    void cancel() override {}
  };
  std::unique_ptr<BackendSession> start(const HandoffRequest&, EventSink& inner_sink) override {
    sink = &inner_sink;
    return std::make_unique<Session>();
  }
  EventSink* sink = nullptr;
};

class AttachmentBackendTest : public testing::Test {
 protected:
  AttachmentBackendTest() {
    log::set_level(log::Level::kOff);
    files.enter_at(completions);
    ring.set_handler(completions);
    config.attachments_data_dir = "/nonexistent";
    config.attachments_delete_after_use = true;
  }
  ~AttachmentBackendTest() override {
    session.reset();
    while (!ring.pending.empty()) ring.complete(ring.pending.front().tag.operation, -EIO);
  }

  void start(const std::string& payload) {
    std::unique_ptr<HandoffRequest> request = parsed(payload);
    EXPECT_TRUE(request->count_in(budget));
    session = backend.answer(std::move(request), sink);
  }
  // The disk's answers for a file of this size, until it is read or refused.
  void read_file(std::size_t bytes) {
    ring.complete(Operation::kFileOpen, kNoDescriptor);
    ring.find(Operation::kFileStatus).status->stx_mode = S_IFREG;
    ring.find(Operation::kFileStatus).status->stx_size = bytes;
    ring.complete(Operation::kFileStatus, 0);
    if (ring.count(Operation::kFileRead) == 0) return;
    const std::span<char> room = ring.find(Operation::kFileRead).room;
    std::fill(room.begin(), room.end(), 'x');
    ring.complete(Operation::kFileRead, static_cast<int>(bytes));
  }
  // The files that are being removed.
  int removing() const { return ring.count(Operation::kFileOpen); }

  Config config;
  FakeRing ring;
  FileReader files{ring};
  CompletionTable completions;
  InnerBackend inner;
  AttachmentBackend backend{inner, config, files, std::make_shared<const UniqueFd>()};
  RecordingSink sink;
  ByteBudget budget{200'000};
  std::unique_ptr<BackendSession> session;
};

TEST_F(AttachmentBackendTest, EachPlaceThatAsksForAFileCountsAgainstTheTotal) {
  config.attachments_max_total_bytes = 1000;
  start(R"({"prompt":"{a} {a} {a} {a}","attachments":["a"]})");
  read_file(250);
  EXPECT_NE(inner.sink, nullptr);

  inner.sink = nullptr;
  start(R"({"prompt":"{a} {a} {a} {a}","attachments":["a"]})");
  read_file(251);
  EXPECT_EQ(inner.sink, nullptr);
  EXPECT_EQ(ring.count(Operation::kFileRead), 0) << "refused before it was read";
  EXPECT_EQ(sink.failure, FailureKind::kAttachment);
}

TEST_F(AttachmentBackendTest, CopiesOfOneFileLeaveLessForTheNext) {
  config.attachments_max_total_bytes = 1000;
  start(R"({"prompt":"{a} {a} {a} {a}","attachments":["a","b"]})");
  read_file(249);
  EXPECT_FALSE(sink.failure);
  read_file(5);
  EXPECT_EQ(sink.failure, FailureKind::kAttachment);
}

TEST_F(AttachmentBackendTest, ImagesOfThePayloadLeaveLessForFiles) {
  config.attachments_max_total_bytes = 20;
  start(R"({"attachments":["a"],"image_base64":"iVBORw0KGgpwaXhlbHM="})");
  read_file(7);
  EXPECT_EQ(inner.sink, nullptr);
  EXPECT_EQ(sink.failure, FailureKind::kAttachment);

  sink.failure.reset();
  start(R"({"attachments":["a"],"image_base64":"iVBORw0KGgpwaXhlbHM="})");
  read_file(6);
  EXPECT_NE(inner.sink, nullptr);
}

TEST_F(AttachmentBackendTest, ImagesOfThePayloadAloneReadNoFile) {
  start(R"({"image_base64":"iVBORw0KGgpwaXhlbHM="})");
  EXPECT_NE(inner.sink, nullptr);
  EXPECT_TRUE(ring.pending.empty());
}

TEST_F(AttachmentBackendTest, FilesAreRemovedWhenTheAnswerBegins) {
  start(R"({"prompt":"hi","attachments":["a","b"]})");
  read_file(1);
  read_file(1);
  inner.sink->on_event({.kind = AnswerEvent::Kind::kProgress});
  EXPECT_EQ(removing(), 0);
  inner.sink->on_event({.kind = AnswerEvent::Kind::kText, .text = "word"});
  EXPECT_EQ(removing(), 2);
  inner.sink->on_end(FinishReason::kStop);
  session->cancel();
  EXPECT_EQ(removing(), 2) << "only once";
}

TEST_F(AttachmentBackendTest, FilesAreRemovedAfterAnAnswerWithoutAWord) {
  start(R"({"prompt":"hi","attachments":["a"]})");
  read_file(1);
  inner.sink->on_end(FinishReason::kStop);
  EXPECT_EQ(removing(), 1);
}

// For each reason: a limit of time, a shutdown, a client that has left.
TEST_F(AttachmentBackendTest, FilesStayWhenTheStreamEndsBeforeTheAnswerBegins) {
  start(R"({"prompt":"hi","attachments":["a"]})");
  read_file(1);
  session->cancel();
  session.reset();
  EXPECT_EQ(removing(), 0);
}

TEST_F(AttachmentBackendTest, FilesStayWhenTheApiFailsBeforeItAnswers) {
  start(R"({"prompt":"hi","attachments":["a"]})");
  read_file(1);
  inner.sink->on_failure({.kind = FailureKind::kUnreachable, .detail = "why"});
  session->cancel();
  EXPECT_EQ(removing(), 0);
}

// --- What they count for in the budget of all requests --------------------------------------------------------------

TEST_F(AttachmentBackendTest, FilesCountInBase64AndForEachPlaceBeforeTheyAreRead) {
  start(R"({"prompt":"{a} {a}","attachments":["a"]})");
  const std::size_t before = budget.held();
  ring.complete(Operation::kFileOpen, kNoDescriptor);
  ring.find(Operation::kFileStatus).status->stx_mode = S_IFREG;
  ring.find(Operation::kFileStatus).status->stx_size = 3000;
  ring.complete(Operation::kFileStatus, 0);
  EXPECT_EQ(ring.count(Operation::kFileRead), 1);
  EXPECT_EQ(budget.held(), before + 2 * 2 * 4000) << "and once more for what is sent";
  session->cancel();
  EXPECT_EQ(budget.held(), 0u) << "the client has left";
}

TEST_F(AttachmentBackendTest, WhatABackendDoesNotKeepCountsNoMore) {
  start(R"({"prompt":"hi","attachments":["a","b"]})");
  read_file(3000);
  EXPECT_GE(budget.held(), 3000u);
  read_file(3000);
  EXPECT_NE(inner.sink, nullptr);
  EXPECT_EQ(budget.held(), 0u);
}

TEST_F(AttachmentBackendTest, AFileThatIsTooMuchForTheBudgetIsNotReadAndEndsTheStream) {
  config.attachments_max_total_bytes = 1'000'000;
  start(R"({"prompt":"hi","attachments":["a","b"]})");
  read_file(50'000);
  EXPECT_FALSE(sink.failure);
  read_file(50'000);
  EXPECT_EQ(ring.count(Operation::kFileRead), 0);
  EXPECT_EQ(sink.failure, FailureKind::kOverBudget);
  EXPECT_GT(sink.retry_after_seconds, 0);
  EXPECT_EQ(inner.sink, nullptr);
  session->cancel();
  EXPECT_EQ(budget.held(), 0u);
}

TEST_F(AttachmentBackendTest, AnAttachmentThatCannotBeUsedLeavesNothingInTheBudget) {
  start(R"({"prompt":"hi","attachments":["a","b"]})");
  read_file(3000);
  ring.complete(Operation::kFileOpen, -ENOENT);
  EXPECT_EQ(sink.failure, FailureKind::kAttachment);
  session->cancel();
  EXPECT_EQ(budget.held(), 0u);
}

}  // namespace
}  // namespace streaming
