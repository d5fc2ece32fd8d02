// SPDX-License-Identifier: Apache-2.0
#include "answers/undelivered_reports.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "answers/journal_directory.h"
#include "base/log.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

constexpr ReportId kFirst{'a'};
constexpr ReportId kSecond{'b'};

class UndeliveredReportsTest : public testing::Test {
 protected:
  UndeliveredReportsTest() {
    log::set_level(log::Level::kOff);
    EXPECT_TRUE(JournalDirectory::open(path()).ok());
    EXPECT_TRUE(store_undelivered(path(), {kSecond, "ch\"at\n", "{\"answer_id\":\"x\",\"cause\":\"completed\"}"}).ok());
    EXPECT_TRUE(store_undelivered(path(), {kFirst, "log", "{\n\"text\":\"t\"\n}"}).ok());
  }
  std::string path() const { return directory.file("answers"); }

  TemporaryDirectory directory;
};

TEST_F(UndeliveredReportsTest, AreReadAsTheyWereStored) {
  const std::vector<UndeliveredReport> reports = read_undelivered(path()).value();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].id, kFirst);
  EXPECT_EQ(reports[0].hook, "log");
  EXPECT_EQ(reports[0].body, "{\n\"text\":\"t\"\n}");
  EXPECT_EQ(reports[1].hook, "ch\"at\n");
  EXPECT_EQ(describe(reports[1]),
            "msg_62000000000000000000000000000000 hook=ch\"at\n answer_id=x cause=completed bytes=37");
}

TEST_F(UndeliveredReportsTest, AreLeftOutWhileTheyAreWritten) {
  std::ofstream(path() + "/undelivered/half.json") << "{\"webhook_id\":\"" << webhook_id(kFirst) << "\",\"hook\":\"h\"}\n{\"a\":";
  std::ofstream(path() + "/undelivered/other") << "}\n}\n";
  EXPECT_EQ(read_undelivered(path()).value().size(), 2u);
}

TEST_F(UndeliveredReportsTest, AreDeliveredByWhoLooksNext) {
  EXPECT_EQ(resend_undelivered(path()).value(), 2u);
  EXPECT_TRUE(read_undelivered(path()).value().empty());
  Result<JournalDirectory> other = JournalDirectory::open(path());
  ASSERT_TRUE(other.ok());
  const std::optional<AdoptedJournal> adopted = other->adopt_next();
  ASSERT_TRUE(adopted);
  ASSERT_EQ(adopted->reports.size(), 2u);
  EXPECT_EQ(adopted->reports[0].hook, "log");
  std::string bytes(adopted->bytes, '\0');
  ASSERT_EQ(pread(adopted->file.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  FrameReader reader(bytes);
  const std::optional<Frame> frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->id, kFirst);
  EXPECT_EQ(read_report(frame->content)->body, "{\n\"text\":\"t\"\n}");
  EXPECT_FALSE(other->adopt_next()) << "nobody else has left anything";
}

TEST_F(UndeliveredReportsTest, StayWithAProcessThatLives) {
  Result<JournalDirectory> living = JournalDirectory::open(path());
  ASSERT_TRUE(living.ok());
  EXPECT_TRUE(living->leave({{.id = kFirst, .hook = "log", .body = "{}"}}).ok());
  Result<JournalDirectory> other = JournalDirectory::open(path());
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->adopt_next());
  living = Error{"ended"};
  EXPECT_TRUE(other->adopt_next());
}

TEST_F(UndeliveredReportsTest, AreNotTakenFromADirectoryThatEveryUserCanWriteTo) {
  ASSERT_EQ(chmod(path().c_str(), 0777), 0);
  EXPECT_FALSE(JournalDirectory::check(path()).ok());
  const Result<JournalDirectory> opened = JournalDirectory::open(path());
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find(path()), std::string::npos);
  ASSERT_EQ(chmod(path().c_str(), 0770), 0);
  EXPECT_TRUE(JournalDirectory::check(path()).ok());
  EXPECT_TRUE(JournalDirectory::open(path()).ok());
}

}  // namespace
}  // namespace streaming
