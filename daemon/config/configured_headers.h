// SPDX-License-Identifier: Apache-2.0
// ConfiguredHeaders: further headers that an operator wants in each request to an API, as a table of the file has them.
//
// Pure, but for read_header_files(). A value that stands in a file of its own is a secret: it is never printed.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace streaming {

// A header's value, its name, and the number of headers for one backend. Over it: an error at the start.
inline constexpr std::size_t kMaxConfiguredHeaderBytes = 8 * 1024;
inline constexpr std::size_t kMaxHeaderNameBytes = 256;
inline constexpr std::size_t kMaxConfiguredHeaders = 32;

struct ConfiguredHeader {
  std::string value;  // empty as long as its file has not been read
  std::string file;   // empty: the value stands in the configuration itself

  bool operator==(const ConfiguredHeader&) const = default;
};

// By name, as it was written.
using ConfiguredHeaders = std::map<std::string, ConfiguredHeader, std::less<>>;

// From a table of TOML in one line: { NAME = "VALUE", NAME = { file = "PATH" } }. The Error says what the table, or which
// of its headers, must be, and holds no value.
Result<ConfiguredHeaders> parse_headers(std::string_view text);

// What parse_headers() takes. Without secrets, no value of a file is in it, and no header whose name says that it has one.
enum class Secrets { kWith, kWithout };
std::string headers_text(const ConfiguredHeaders& headers, Secrets secrets);

// Reads the values that stand in files; the Error names header and file.
Status read_header_files(ConfiguredHeaders& headers);

// Whether there is one of that name, in letters of either case.
bool has_header(const ConfiguredHeaders& headers, std::string_view name);

}  // namespace streaming
