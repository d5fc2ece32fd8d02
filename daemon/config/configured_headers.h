// SPDX-License-Identifier: Apache-2.0
// ConfiguredHeaders: further headers for each request to an API, from a table in the configuration.
//
// Pure, but for read_header_files(). A value in a separate file is a secret: it is never printed.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace streaming {

// Limits for a header's value, for its name, and for the number of headers of a backend. Over it: an error at the
// start.
inline constexpr std::size_t kMaxConfiguredHeaderBytes = 8 * 1024;
inline constexpr std::size_t kMaxHeaderNameBytes = 256;
inline constexpr std::size_t kMaxConfiguredHeaders = 32;

struct ConfiguredHeader {
  std::string value;  // empty until its file has been read
  std::string file;   // empty: the value is in the configuration itself

  bool operator==(const ConfiguredHeader&) const = default;
};

// By name, spelled as in the configuration.
using ConfiguredHeaders = std::map<std::string, ConfiguredHeader, std::less<>>;

// Parses a table of TOML on one line: { NAME = "VALUE", NAME = { file = "PATH" } }. The Error reports what the table or
// one of its headers must be, and contains no value.
Result<ConfiguredHeaders> parse_headers(std::string_view text);

// The text that parse_headers() accepts. Without secrets it lacks the values from files, and headers whose name
// suggests a secret.
enum class Secrets { kWith, kWithout };
std::string headers_text(const ConfiguredHeaders& headers, Secrets secrets);

// Reads the values that are in files; the Error names header and file.
Status read_header_files(ConfiguredHeaders& headers);

// Whether there is a header of that name, in upper or lower case.
bool has_header(const ConfiguredHeaders& headers, std::string_view name);

}  // namespace streaming
