// SPDX-License-Identifier: Apache-2.0
// Secrets, as API keys: from a file of their own, and fit to stand in a header. Pure but for the file.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Without the white space around it, which editors and variables leave; an Error when it cannot be a header's value.
Result<std::string> clean_secret(std::string_view text);

// The secret that the file holds, as clean_secret() gives it. A path that begins with %d/ is one of systemd's
// credentials (LoadCredential=). Each Error names the file.
Result<std::string> read_secret_file(const std::string& path);

// Remarks in `config` that the file, which has the secret of `key`, can be read by every user of this system, if so.
void note_exposure(Config& config, const std::string& file, std::string_view key);

}  // namespace streaming
