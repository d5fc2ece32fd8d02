// SPDX-License-Identifier: Apache-2.0
// Reads a file of settings whole. Pure, but for the file.

#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace streaming {

// An Error names the file. A directory is one: container runtimes make a directory if the file to mount is missing.
Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes);

}  // namespace streaming
