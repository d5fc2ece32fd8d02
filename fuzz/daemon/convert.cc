// SPDX-License-Identifier: Apache-2.0
// --convert: another daemon's configuration, in YAML and in TOML. It is converted or refused with its place; what comes of
// it is a file of ours that the daemon reads, on whose lines nothing of the other file can stand for something else.

#include "config/convert.h"

#include <fstream>
#include <sstream>

#include "config/config_file.h"
#include "config/foreign_file.h"
#include "fuzz/property.h"
#include "tests/support/temporary_directory.h"

namespace streaming {
namespace {

void write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

// Lines of comments, an empty line, and settings.
std::size_t must_be_commented(const std::string& text) {
  std::istringstream lines(text);
  std::size_t comments = 0;
  for (std::string line; std::getline(lines, line) && !line.empty(); ++comments) MUST(line.starts_with("#"));
  return comments;
}

void must_be_converted(const std::string& theirs, const std::string& ours) {
  const Result<std::string> converted = convert_configuration(theirs);
  if (!converted) {
    MUST(converted.error().message.starts_with(theirs + ":"));
    return;
  }
  const auto settings = read_foreign_file(theirs);
  MUST(settings.ok());
  for (const ForeignSetting& setting : *settings) MUST(setting.key.size() <= kLongestForeignKey);
  MUST(must_be_commented(*converted) <= 2 + settings->size());
  write(ours, *converted);
  Config config;
  MUST(read_config_file(ours, config).ok());
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  static const TemporaryDirectory directory;
  for (const char* name : {"theirs.yaml", "theirs.toml"}) {
    write(directory.file(name), fuzz::text(data, size));
    must_be_converted(directory.file(name), directory.file("ours.toml"));
  }
  return 0;
}
