// SPDX-License-Identifier: Apache-2.0
// TextKind: the kinds of text that settings can be. A kind's check() returns an Error that begins with "must".

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace streaming {

struct TextKind {
  std::string_view placeholder;              // in --help
  Status (*check)(const std::string& text);  // also looks at the file, if the kind is a file
  std::string (*printed)(std::string_view text) = nullptr;  // hides the secrets in it; null: it has none
};

// Not empty and without control characters.
extern const TextKind kAnyText;
extern const TextKind kHeaderName;
extern const TextKind kHttpUrl;  // may have {model} after its host
extern const TextKind kSocketPath;
// "stderr", or a file that can be appended to.
extern const TextKind kLogFile;

// The following may also be empty.
extern const TextKind kOptionalHttpUrl;
extern const TextKind kOptionalStoreUrl;  // as store/store_url.h has it, which looks at the rest
extern const TextKind kOptionalSocketPath;
extern const TextKind kOptionalPath;
extern const TextKind kNewDirectory;  // made if it is missing
extern const TextKind kHeaderValue;
// "ADDRESS:PORT" of IPv4; without an address it means all addresses of the machine.
extern const TextKind kListenAddress;
// The full path of a program.
extern const TextKind kProgram;
extern const TextKind kReadableFile;
extern const TextKind kDirectory;

// "must be WHAT, not "TEXT"", with control characters of the text escaped.
Error must_be(std::string_view what, std::string_view text);

}  // namespace streaming
