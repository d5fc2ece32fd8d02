// SPDX-License-Identifier: Apache-2.0
#include "top/json.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <limits>

namespace top {
namespace {

TEST(Json, WritesTheFiguresOnOneLine) {
  Figures figures;
  figures.version = "1.0";
  figures.open = 7;
  figures.workers = {3, 4};
  figures.rates[static_cast<std::size_t>(Rate::kFailed)] = 0.5;
  figures.first_event = {0.01, 0.02, std::numeric_limits<double>::quiet_NaN()};
  figures.ended = {{"completed", 2, 100}};
  figures.waiting_reports = 3;
  const std::string line = to_json(figures);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  rapidjson::Document json;
  json.Parse(line.c_str());
  ASSERT_FALSE(json.HasParseError()) << line;
  EXPECT_EQ(json["open"].GetDouble(), 7);
  EXPECT_EQ(json["workers"].Size(), 2u);
  EXPECT_EQ(json["failed_per_second"].GetDouble(), 0.5);
  EXPECT_EQ(json["first_event_s"]["p95"].GetDouble(), 0.02);
  EXPECT_TRUE(json["first_event_s"]["p99"].IsNull()) << "JSON has no NaN";
  EXPECT_EQ(json["ended"]["completed"]["total"].GetDouble(), 100);
  EXPECT_EQ(json["waiting_reports"].GetDouble(), 3);
}

}  // namespace
}  // namespace top
