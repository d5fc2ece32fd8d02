// SPDX-License-Identifier: Apache-2.0
// Reports that were given up, because their hooks have not taken them for a day and a half: a file each, in the folder
// "undelivered" of the journals' directory. A file has a line of JSON with the report's id and its hook, and behind it
// the report. For threads that may wait for the disk, and for commands.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "answers/journal_format.h"
#include "base/result.h"

namespace streaming {

struct UndeliveredReport {
  ReportId id{};
  std::string hook;
  std::string body;
};

// `path`: the journals' directory. When it succeeds, the disk has it.
Status store_undelivered(const std::string& path, const UndeliveredReport& report);

// What is whole, by the files' names. The Error reports a folder that may not be read.
Result<std::vector<UndeliveredReport>> read_undelivered(const std::string& path);

// How many files there are.
std::size_t count_undelivered(const std::string& path);

// One line: the report's id, its hook, and what of the answer helps to recognise it.
std::string describe(const UndeliveredReport& report);

// Has all of them delivered, by the daemon that runs or by the next start, and empties the folder. The number of them.
Result<std::size_t> resend_undelivered(const std::string& path);

}  // namespace streaming
