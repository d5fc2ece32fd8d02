// SPDX-License-Identifier: Apache-2.0
#include "top/stream_list.h"

#include <rapidjson/document.h>

#include <algorithm>

namespace top {
namespace {

std::string text_of(const rapidjson::Value& stream, const char* name) {
  const auto member = stream.FindMember(name);
  if (member == stream.MemberEnd() || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

std::int64_t number_of(const rapidjson::Value& stream, const char* name) {
  const auto member = stream.FindMember(name);
  return member == stream.MemberEnd() || !member->value.IsInt64() ? 0 : member->value.GetInt64();
}

StreamRow row_of(const rapidjson::Value& stream) {
  StreamRow row{.id = text_of(stream, "stream"),
                .state = text_of(stream, "state"),
                .backend = text_of(stream, "backend"),
                .model = text_of(stream, "model"),
                .user = text_of(stream, "user"),
                .request = text_of(stream, "request_id"),
                .client = text_of(stream, "client"),
                .transport = text_of(stream, "transport"),
                .path = text_of(stream, "path"),
                .age_ms = number_of(stream, "age_ms"),
                .events = number_of(stream, "events"),
                .bytes = number_of(stream, "bytes")};
  if (row.request.empty()) row.request = text_of(stream, "apache_id");
  return row;
}

}  // namespace

std::optional<std::vector<StreamRow>> parse_streams(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  const auto streams = document.FindMember("streams");
  if (streams == document.MemberEnd() || !streams->value.IsArray()) return std::nullopt;
  std::vector<StreamRow> rows;
  for (const rapidjson::Value& stream : streams->value.GetArray()) {
    if (stream.IsObject()) rows.push_back(row_of(stream));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const StreamRow& left, const StreamRow& right) { return left.age_ms > right.age_ms; });
  return rows;
}

}  // namespace top
