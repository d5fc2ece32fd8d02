// SPDX-License-Identifier: Apache-2.0
// The streams that a daemon lists at /streams. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace top {

// Texts are empty where the daemon does not say.
struct StreamRow {
  std::string id = {};
  std::string state = {};
  std::string backend = {};
  std::string model = {};
  std::string user = {};
  std::string request = {};  // the application's id, else Apache's
  std::string client = {};
  std::string transport = {};
  std::string path = {};
  std::int64_t age_ms = 0;
  std::int64_t events = 0;
  std::int64_t bytes = 0;
};

// The oldest first; nothing where the text is no such list.
std::optional<std::vector<StreamRow>> parse_streams(std::string_view json);

}  // namespace top
