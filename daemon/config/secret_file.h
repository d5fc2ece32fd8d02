// SPDX-License-Identifier: Apache-2.0
// Reads secrets, such as API keys, from separate files, and checks that they can be header values. Pure, but for the
// files.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Removes the surrounding white space, which editors and variables leave. An Error if the rest cannot be a header's
// value.
Result<std::string> clean_secret(std::string_view text);

// The secret in the file, after clean_secret(). A path that begins with %d/ is a credential of systemd
// (LoadCredential=). Each Error names the file.
Result<std::string> read_secret_file(const std::string& path);

// If every user of this system can read the file, which has the secret of `key`, adds a remark to `config`.
void note_exposure(Config& config, const std::string& file, std::string_view key);

}  // namespace streaming
