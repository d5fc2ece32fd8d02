// SPDX-License-Identifier: Apache-2.0
// TextKind: what a setting that is text may be. Each kind is one function, whose Error begins with "must".

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace streaming {

struct TextKind {
  std::string_view placeholder;              // in --help
  Status (*check)(const std::string& text);  // looks at files too, where the kind is one
  std::string (*printed)(std::string_view text) = nullptr;  // without the secrets in it; null: it has none
};

// Without control characters, and with something in it.
extern const TextKind kAnyText;
extern const TextKind kHeaderName;
extern const TextKind kHttpUrl;  // may have {model} behind its host
extern const TextKind kSocketPath;
// "stderr", or a file that can be appended to.
extern const TextKind kLogFile;

// These may be empty, too.
extern const TextKind kOptionalSocketPath;
extern const TextKind kOptionalPath;
extern const TextKind kHeaderValue;
// "ADDRESS:PORT" of IPv4; without an address all of the machine's.
extern const TextKind kListenAddress;
// A program by its whole path.
extern const TextKind kProgram;
extern const TextKind kReadableFile;
extern const TextKind kDirectory;

// "must be MUST_BE, not TEXT", the text between quotation marks and fit for one line.
Error must_be(std::string_view what, std::string_view text);

}  // namespace streaming
