// SPDX-License-Identifier: Apache-2.0
#include "server/capacity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handoff/limits.h"
#include "server/limits.h"
#include "stream/limits.h"

namespace streaming {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr bool kDirect = true;

TEST(Capacity, SharesTheConnectionsOutToTheLastOne) {
  Config config;
  config.workers = 3;
  config.max_connections = 11;
  EXPECT_THAT(plan_capacity(config, 8, 20'000, kDirect).value().streams_of_worker, ElementsAre(4, 4, 3));
}

TEST(Capacity, StartsOneWorkerPerCpuByDefault) {
  EXPECT_EQ(plan_capacity(Config{}, 6, 20'000, kDirect).value().streams_of_worker.size(), 6u);
}

TEST(Capacity, TakesTheDefaultOrWhatThereIsRoomFor) {
  Config config;
  config.workers = 2;
  EXPECT_EQ(plan_capacity(config, 1, 1'000'000, kDirect).value().streams(), 50'000u);
  const std::uint64_t little = plan_capacity(config, 1, 20'000, kDirect).value().streams();
  EXPECT_GT(little, 2 * 18'000u);
  EXPECT_LT(little, 2 * 20'000u);
}

TEST(Capacity, HasRoomForAsManyStreamsAWorkerAsFilesMayBeOpenAndTakesThoseBeyondTheTablesFromUpstreams) {
  Config config;
  config.workers = 4;
  config.max_connections = 4 * 20'000;
  const Capacity capacity = plan_capacity(config, 1, 20'000, kDirect).value();
  EXPECT_THAT(capacity.streams_of_worker, testing::Each(20'000u));
  EXPECT_EQ(capacity.clients_in_table + kMaxHandoffConnections, 20'000u);
  EXPECT_EQ(capacity.clients_of_the_process, 4 * (kMaxHandoffConnections + kMaxRefusals));
  EXPECT_EQ(capacity.upstream_connections() + capacity.clients_of_the_process, 20'000 - kProcessFiles);
  config.max_connections = 0;
  EXPECT_EQ(plan_capacity(config, 1, 20'000, kDirect).value().clients_of_the_process, 0u);
}

TEST(Capacity, FillsTheProcesssTableAndNoMore) {
  Config config;
  config.workers = 40;
  config.max_connections = 40 * 20'000;
  const Result<Capacity> capacity = plan_capacity(config, 1, 20'000, kDirect);
  ASSERT_FALSE(capacity.ok());
  EXPECT_THAT(capacity.error().message, HasSubstr("max_connections is 800000"));
}

TEST(Capacity, SharesTheProcesssFilesWhereRingsHaveNone) {
  Config config;
  config.workers = 4;
  const std::uint64_t streams = plan_capacity(config, 1, 20'000, !kDirect).value().streams();
  EXPECT_GT(streams, 10'000u);
  EXPECT_LT(streams, 20'000u);
}

TEST(Capacity, KeepsDescriptorsForAllButClientsAndUpstreams) {
  const int descriptors = plan_capacity(Config{}, 1, 20'000, kDirect).value().descriptors;
  EXPECT_GT(descriptors, 19'000);
  EXPECT_LT(descriptors, 20'000);
}

TEST(Capacity, RefusesMoreConnectionsThanFitAndSaysWhatToDo) {
  Config config;
  config.workers = 1;
  config.max_connections = 20'001;
  const Result<Capacity> capacity = plan_capacity(config, 1, 20'000, kDirect);
  ASSERT_FALSE(capacity.ok());
  EXPECT_THAT(capacity.error().message,
              HasSubstr("max_connections is 20001, but 1 workers have room for 20000 streams"));
  EXPECT_THAT(capacity.error().message, HasSubstr("LimitNOFILE"));
}

TEST(Capacity, RefusesToStartWithHardlyAnyFiles) {
  EXPECT_FALSE(plan_capacity(Config{}, 1, 1024, kDirect).ok());
}

}  // namespace
}  // namespace streaming
