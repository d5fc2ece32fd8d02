// SPDX-License-Identifier: Apache-2.0
// What --answers prints.

#include "server/answer_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "answers/undelivered_reports.h"
#include "support/daemon_process.h"

namespace streaming {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

// What a command prints to both outputs, and its status behind it.
std::string output_of(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1; echo status $?").c_str(), "r");
  std::string output;
  std::array<char, 4096> part;
  for (std::size_t got = 0; (got = fread(part.data(), 1, part.size(), pipe)) > 0;) output.append(part.data(), got);
  pclose(pipe);
  return output;
}

TEST(AnswerList, HasALineForEachKeptAnswerAndReportThatWasGivenUpAndTotals) {
  const TemporaryDirectory directory;
  const std::string journals = directory.file("answers");
  const DaemonProcess daemon(
      {"--delay", "60000", "--shutdown-timeout-ms", "0", "--metrics-addr", "127.0.0.1:0", "--journal-dir", journals});
  const std::string port = std::to_string(daemon.monitor_port());
  const UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a","user_id":"Ann B","request_id":"r-1"})");
  EXPECT_NE(read_some(asker.get()), "");
  ASSERT_TRUE(store_undelivered(journals, {ReportId{'r'}, "chat", "{\"answer_id\":\"b\",\"cause\":\"completed\"}"}).ok());
  const std::string command = std::string(DAEMON) + " --config " + daemon.config_path() + " --answers --metrics-addr 127.0.0.1:" +
                              port + " --journal-dir " + journals;
  const std::string list = output_of(command);
  EXPECT_THAT(list, ContainsRegex("kept answer=a request_id=r-1 user=\"Ann B\" backend=mock state=running worker=[0-9]+ "
                                  "age_ms=[0-9]+ followers=1 events=[0-9]+ kept_bytes=[0-9]+\n"));
  EXPECT_THAT(list, HasSubstr("undelivered msg_72000000000000000000000000000000 hook=chat answer_id=b cause=completed "));
  EXPECT_THAT(list, ContainsRegex("total running_answers=1 ended_answers=0 kept_bytes=[0-9]+ followers=1 waiting_reports=0 "
                                  "undelivered_reports=1\nstatus 0\n"));
}

TEST(AnswerList, FailsIfThereIsNoDaemonToAsk) {
  const std::string daemon = std::string(DAEMON) + " --config /dev/null --answers ";
  EXPECT_THAT(output_of(daemon + "--metrics-addr 127.0.0.1:1"), HasSubstr("cannot ask the daemon on 127.0.0.1:1: "));
  EXPECT_THAT(output_of(daemon + "--metrics-addr ''"), HasSubstr("the daemon has no monitoring"));
  EXPECT_THAT(output_of(daemon + "--metrics-addr ''"), HasSubstr("status 1\n"));
}

TEST(AnswerList, TakesNothingButAList) {
  for (const char* json : {"", "{", "[]", "{}", R"({"answers":1,"totals":{}})", R"({"answers":[],"totals":[]})"}) {
    EXPECT_FALSE(kept_answer_lines(json).ok()) << json;
  }
  EXPECT_EQ(kept_answer_lines(R"({"answers":[1,{"answer":"a\n","x":{}}],"totals":{"n":2}})").value(),
            "kept answer=\"a\\n\"\ntotal n=2\n");
}

}  // namespace
}  // namespace streaming
