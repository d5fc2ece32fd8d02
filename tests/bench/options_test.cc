// SPDX-License-Identifier: Apache-2.0
#include "bench/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace streaming::bench {
namespace {

Options read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "handoff-bench");
  return read_options(static_cast<int>(arguments.size()), const_cast<char**>(arguments.data()));
}

TEST(Options, TakesTheReferencesDefaultOptions) {
  const Options options = read({});
  EXPECT_EQ(options.connections, 100u);
  EXPECT_EQ(options.ramp_up, std::chrono::seconds(10));
  EXPECT_EQ(options.hold, std::chrono::seconds(60));
  EXPECT_EQ(options.stream_timeout, std::chrono::seconds(120));
  EXPECT_EQ(options.data, R"({"prompt":"benchmark test","user_id":1})");
}

TEST(Options, ReadsTheGeneratorsOptions) {
  const Options options = read({"--socket", "/tmp/s", "--ramp-up", "500ms", "--client", "tcp", "--abort-after", "3",
                                "--in-flight", "64", "--wait-ack", "--pid", "7"});
  EXPECT_EQ(options.socket_path, "/tmp/s");
  EXPECT_EQ(options.ramp_up, std::chrono::milliseconds(500));
  EXPECT_EQ(options.client, ClientKind::kTcp);
  EXPECT_EQ(options.abort_after.events, 3u);
  EXPECT_EQ(options.in_flight, 64u);
  EXPECT_TRUE(options.wait_ack);
  EXPECT_EQ(options.pid, 7);
}

TEST(Options, MayHaveOneDash) {
  const Options options = read({"-socket", "/tmp/s", "-connections=7", "-hold", "30s"});
  EXPECT_EQ(options.socket_path, "/tmp/s");
  EXPECT_EQ(options.connections, 7u);
  EXPECT_EQ(options.hold, std::chrono::seconds(30));
}

TEST(Options, EmptyDataIsNoPayload) {
  EXPECT_EQ(read({"--data", ""}).data, std::string(1, '\0'));
}

TEST(OptionsDeathTest, WrongOnesEndTheProgram) {
  EXPECT_EXIT(read({"--ramp-up", "soon"}), testing::ExitedWithCode(105), "must be a duration such as 10s");
  EXPECT_EXIT(read({"--abort-after", "0"}), testing::ExitedWithCode(105), "must be a number of events");
  EXPECT_EXIT(read({"--processes", "0"}), testing::ExitedWithCode(105), "processes");
}

TEST(AbortAfter, CountsEventsOrBytes) {
  EXPECT_EQ(parse_abort_after("5")->events, 5u);
  EXPECT_EQ(parse_abort_after("5")->bytes, 0u);
  EXPECT_EQ(parse_abort_after("1000b")->bytes, 1000u);
  for (const char* text : {"", "b", "0", "0b", "-1", "5 events", "5k", "5000000000"}) {
    EXPECT_FALSE(parse_abort_after(text).ok()) << text;
  }
}

TEST(Share, OfAllProcessesIsTheWhole) {
  for (const std::uint32_t processes : {1u, 3u, 6u}) {
    std::uint32_t sum = 0;
    for (std::uint32_t process = 0; process < processes; ++process) sum += share_of(100, processes, process);
    EXPECT_EQ(sum, 100u);
  }
}

TEST(DescriptorsNeeded, CountsTheDescriptorsOfTheStreamsOpenAtOnce) {
  Options options;
  options.connections = 30'000;
  options.processes = 2;
  const std::uint64_t own = descriptors_needed(options) - 15'000;
  EXPECT_LT(own, 100u);
  options.in_flight = 64;
  EXPECT_EQ(descriptors_needed(options), own + 32);
}

}  // namespace
}  // namespace streaming::bench
