// SPDX-License-Identifier: Apache-2.0
#include "config/account.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace streaming {
namespace {

// The number that means no account.
constexpr std::uint32_t kNoId = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kLargestEntry = 1024 * 1024;

std::optional<std::uint32_t> number_in(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == kNoId) return std::nullopt;
  return number;
}

// Finds the name by `look_up` (getpwnam_r or getgrnam_r); `id_of` reads the number from its entry.
template <typename Entry, typename LookUp, typename IdOf>
Result<Account> find(std::string_view text, const char* what, LookUp&& look_up, IdOf&& id_of) {
  const std::string name(text);
  if (const std::optional<std::uint32_t> number = number_in(text)) return Account{name, *number};
  Entry entry{};
  Entry* found = nullptr;
  std::vector<char> strings(1024);
  int error = 0;
  while ((error = look_up(name.c_str(), &entry, strings.data(), strings.size(), &found)) == ERANGE &&
         strings.size() < kLargestEntry) {
    strings.resize(2 * strings.size());
  }
  if (found != nullptr) return Account{name, id_of(entry)};
  std::string message = std::string("must be a ") + what + " of this system, by name or number, not \"" + name + "\"";
  if (error != 0 && error != ENOENT && error != ESRCH) message += std::string(": ") + std::strerror(error);
  return Error{std::move(message)};
}

}  // namespace

Result<Account> find_user(std::string_view text) {
  return find<passwd>(text, "user", getpwnam_r, [](const passwd& entry) { return entry.pw_uid; });
}

Result<Account> find_group(std::string_view text) {
  return find<group>(text, "group", getgrnam_r, [](const group& entry) { return entry.gr_gid; });
}

}  // namespace streaming
