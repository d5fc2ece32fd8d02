// SPDX-License-Identifier: Apache-2.0
#include "config/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/header_field.h"
#include "base/unique_fd.h"

namespace streaming {
namespace {

constexpr std::size_t kMaxSecretBytes = 16 * 1024;
constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::string_view kCredentials = "%d/";

Result<std::string> find_file(const std::string& path) {
  if (!path.starts_with(kCredentials)) return path;
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) {
    return Error{"cannot read the key in " + path + ": systemd has passed no credentials (CREDENTIALS_DIRECTORY)"};
  }
  return directory + path.substr(kCredentials.size() - 1);
}

// Whether every user may read it, by the rights of the file and of its directories.
bool is_readable_by_all(const std::string& path) {
  using std::filesystem::perms;
  std::error_code error;
  std::filesystem::path place = std::filesystem::canonical(path, error);
  auto allows = [&error](const std::filesystem::path& file, perms right) {
    return (std::filesystem::status(file, error).permissions() & right) != perms::none && !error;
  };
  if (error || !allows(place, perms::others_read)) return false;
  while (place.has_relative_path()) {
    place = place.parent_path();
    if (!allows(place, perms::others_exec)) return false;
  }
  return true;
}

}  // namespace

Result<std::string> clean_secret(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(kWhiteSpace), text.size());
  const std::size_t last = text.find_last_not_of(kWhiteSpace);
  const std::string_view secret = text.substr(first, last == std::string_view::npos ? 0 : last + 1 - first);
  if (!is_header_value(secret)) return Error{"must be one line without control characters"};
  return std::string(secret);
}

Result<std::string> read_secret_file(const std::string& path) {
  const Result<std::string> found = find_file(path);
  if (!found) return found.error();
  const std::string& file = found.value();
  // Non-blocking, so that it does not wait for the writer of a pipe.
  const UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return Error::from_errno("cannot read the key in " + file, errno);
  std::string text(kMaxSecretBytes + 1, '\0');
  const ssize_t got = read(fd.get(), text.data(), text.size());
  if (got < 0) return Error::from_errno("cannot read the key in " + file, errno);
  if (static_cast<std::size_t>(got) > kMaxSecretBytes) return Error{"the key in " + file + " is too long"};
  Result<std::string> secret = clean_secret({text.data(), static_cast<std::size_t>(got)});
  if (!secret) return Error{"the key in " + file + " " + secret.error().message};
  if (secret->empty()) return Error{"there is no key in " + file};
  return secret;
}

void note_exposure(Config& config, const std::string& file, std::string_view key) {
  if (!is_readable_by_all(file)) return;
  config.remarks.push_back(file + " has a secret (" + std::string(key) +
                           ") and can be read by every user of this system; take that right from others: chmod o-r");
}

}  // namespace streaming
