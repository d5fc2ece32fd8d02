// SPDX-License-Identifier: Apache-2.0
#include "config/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace streaming {

Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error::from_errno(path, errno);
  std::string text(max_bytes + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {  // a pipe brings its text in pieces
    const ssize_t got = read(file.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(path, errno);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length > max_bytes) return Error{path + ": is larger than " + std::to_string(max_bytes) + " bytes"};
  text.resize(length);
  return text;
}

}  // namespace streaming
