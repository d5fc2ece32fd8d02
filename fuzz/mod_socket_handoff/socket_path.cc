// SPDX-License-Identifier: Apache-2.0
// The path that a handler writes, and whether a path lies in a directory. The input is both, the directory first, with
// a line feed in between.

#include "mod_socket_handoff/socket_path.h"

#include "fuzz/property.h"

namespace socket_handoff {
namespace {

void must_be_judged_rightly(const std::string& path) {
  const PathProblem problem = check_written_path(path);
  const bool is_allowed =
      path.starts_with('/') && path.size() <= 107 && ("/" + path + "/").find("/../") == std::string::npos;
  MUST((problem == PathProblem::kNone) == is_allowed);
  MUST(std::string_view(explain(problem)).find("unknown") == std::string_view::npos);
  if (problem == PathProblem::kNone) return;
  MUST(http_status(problem) == (problem == PathProblem::kParentReference ? 403 : 500));
}

void must_lie_as_it_says(const std::string& path, std::string directory) {
  const bool is_inside = is_within(path, directory);
  MUST(is_within(path, directory + "/") == is_inside);  // a slash at the end makes no difference
  MUST(!is_inside || is_within(path + "/deeper", directory));
  MUST(is_within(directory + "/x.sock", directory));

  while (directory.ends_with('/')) directory.pop_back();
  MUST(!is_within(directory + "-neighbour/x.sock", directory) || directory.empty());
  MUST(is_inside == ((path + "/").starts_with(directory + "/")));
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  const std::string_view input = fuzz::text(data, size);
  if (input.find('\0') != std::string_view::npos) return 0;  // both come as strings of C
  const std::size_t cut = input.find('\n');
  const std::string directory(input.substr(0, cut));
  const std::string path(cut == std::string_view::npos ? input : input.substr(cut + 1));
  must_be_judged_rightly(path);
  if (directory.starts_with('/') && path.starts_with('/')) must_lie_as_it_says(path, directory);
  return 0;
}
