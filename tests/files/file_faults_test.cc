// SPDX-License-Identifier: Apache-2.0
// Files over a ring whose completions the test decides: whatever fails, the descriptor is closed, no job stays, and the
// receiver gets one report.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/log.h"
#include "files/file_reader.h"
#include "support/fake_ring.h"

namespace streaming {
namespace {

constexpr std::array kErrors{ENOMEM, EAGAIN, EINTR, ECANCELED, EMFILE, EIO};
constexpr std::array kStages{Operation::kFileOpen, Operation::kFileStatus, Operation::kFileRead};
constexpr int kNoDescriptor = 1'000'000;  // higher than any file here

class FileFaultsTest : public testing::Test, private FileReceiver {
 protected:
  FileFaultsTest() {
    reader.enter_at(completions);
    ring.set_handler(completions);
    log::set_level(log::Level::kOff);
  }

  Handle begin() { return reader.read(std::make_shared<const UniqueFd>(), "a.txt", 100, *this); }
  // Completes the operations before `stage`.
  void go_to(Operation stage) {
    if (stage == Operation::kFileOpen) return;
    ring.complete(Operation::kFileOpen, kNoDescriptor);
    if (stage == Operation::kFileStatus) return;
    struct statx& status = *ring.find(Operation::kFileStatus).status;
    status.stx_mode = S_IFREG;
    status.stx_size = 5;
    ring.complete(Operation::kFileStatus, 0);
  }
  void bring(std::string_view bytes) {
    std::copy(bytes.begin(), bytes.end(), ring.find(Operation::kFileRead).room.begin());
    ring.complete(Operation::kFileRead, static_cast<std::int32_t>(bytes.size()));
  }
  void expect_nothing_left(Operation stage) {
    EXPECT_TRUE(reader.empty());
    EXPECT_TRUE(ring.pending.empty());
    EXPECT_EQ(ring.closed.size(), stage == Operation::kFileOpen ? 0u : 1u);
    ring.closed.clear();
    ring.cancelled.clear();
  }

  FakeRing ring;
  FileReader reader{ring};
  CompletionTable completions;
  std::vector<int> errors;
  std::vector<std::string> files;

 private:
  bool on_size(std::size_t) override { return true; }
  void on_file(Result<std::string> file) override {
    file.ok() ? files.push_back(*file) : errors.push_back(file.error().code);
  }
};

TEST_F(FileFaultsTest, TellsOfEachFailureAndClosesWhatItHasOpened) {
  for (const Operation stage : kStages) {
    for (const int error : kErrors) {
      errors.clear();
      begin();
      go_to(stage);
      ring.complete(stage, -error);
      EXPECT_EQ(errors, std::vector{error});
      expect_nothing_left(stage);
    }
  }
}

TEST_F(FileFaultsTest, ReadsOnBehindAShortRead) {
  begin();
  go_to(Operation::kFileRead);
  bring("he");
  bring("llo");
  EXPECT_EQ(files, std::vector<std::string>{"hello"});
  expect_nothing_left(Operation::kFileRead);
}

TEST_F(FileFaultsTest, FreesWhatWasForgottenOnlyWhenTheKernelHasDoneWithIt) {
  for (const Operation stage : kStages) {
    const Handle handle = begin();
    go_to(stage);
    reader.forget(handle);
    EXPECT_FALSE(reader.empty()) << "the kernel may still write into its memory";
    ring.complete_cancelled();
    expect_nothing_left(stage);
  }
  EXPECT_TRUE(errors.empty());
}

TEST_F(FileFaultsTest, FreesWhatWasForgottenAlsoWhereTheCancellationCameTooLate) {
  const Handle opening = begin();
  reader.forget(opening);
  ring.complete(Operation::kFileOpen, kNoDescriptor);
  expect_nothing_left(Operation::kFileRead);

  const Handle reading = begin();
  go_to(Operation::kFileRead);
  reader.forget(reading);
  bring("hello");
  expect_nothing_left(Operation::kFileRead);
  EXPECT_TRUE(errors.empty() && files.empty());
}

TEST_F(FileFaultsTest, LeavesNothingOfARemovalThatFails) {
  for (const int error : kErrors) {
    reader.remove(std::make_shared<const UniqueFd>(), "sub/a.txt");
    ring.complete(Operation::kFileOpen, -error);
    expect_nothing_left(Operation::kFileOpen);
    reader.remove(std::make_shared<const UniqueFd>(), "sub/a.txt");
    ring.complete(Operation::kFileOpen, kNoDescriptor);
    ring.complete(Operation::kFileRemove, -error);
    expect_nothing_left(Operation::kFileRemove);
  }
}

}  // namespace
}  // namespace streaming
