// SPDX-License-Identifier: Apache-2.0
// The list of sockets that a handler writes, cut up in place.

#include "mod_socket_handoff/socket_path.h"

#include <vector>

#include "fuzz/property.h"

namespace socket_handoff {
namespace {

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::vector<std::string> expected_paths(std::string_view text) {
  std::vector<std::string> paths;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (const std::string path = trimmed(text.substr(begin, end - begin)); !path.empty()) paths.push_back(path);
    begin = end + 1;
  }
  return paths;
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  const std::string_view input = fuzz::text(data, size);
  std::string text(input.substr(0, input.find('\0')));
  std::vector<std::string> expected = expected_paths(text);
  const SocketList list(text.data());
  MUST(list.is_too_long() == (expected.size() > SocketList::kMaxSockets));
  expected.resize(std::min(expected.size(), SocketList::kMaxSockets));
  if (expected.empty()) expected.emplace_back();
  MUST(std::vector<std::string>(list.paths().begin(), list.paths().end()) == expected);
  for (const char* path : list.paths()) MUST(fuzz::lies_in(path, text));
  return 0;
}
