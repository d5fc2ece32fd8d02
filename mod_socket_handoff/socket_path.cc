// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/socket_path.h"

#include <cstring>

#include "mod_socket_handoff/check.h"

namespace socket_handoff {
namespace {

constexpr int kForbidden = 403;
constexpr int kInternalServerError = 500;

bool has_parent_reference(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
  return false;
}

bool is_blank(char character) {
  return character == ' ' || character == '\t';
}

char* trim(char* text) {
  while (is_blank(*text)) ++text;
  char* end = text + std::strlen(text);
  while (end > text && is_blank(end[-1])) --end;
  *end = '\0';
  return text;
}

}  // namespace

PathProblem check_written_path(std::string_view path) {
  if (path.empty()) return PathProblem::kEmpty;
  if (path.front() != '/') return PathProblem::kRelative;
  if (path.size() > kMaxSocketPathBytes) return PathProblem::kTooLong;
  if (has_parent_reference(path)) return PathProblem::kParentReference;
  return PathProblem::kNone;
}

bool is_within(std::string_view path, std::string_view place) {
  while (!place.empty() && place.back() == '/') place.remove_suffix(1);
  if (!path.starts_with(place)) return false;
  return path.size() == place.size() || path[place.size()] == '/';
}

const char* explain(PathProblem problem) {
  switch (problem) {
    case PathProblem::kNone:
      return "is in order";
    case PathProblem::kEmpty:
      return "is empty";
    case PathProblem::kRelative:
      return "is not absolute (abstract sockets are not supported)";
    case PathProblem::kTooLong:
      return "is longer than a Unix socket's path can be (107 bytes)";
    case PathProblem::kParentReference:
      return "contains \"..\"";
    case PathProblem::kOutsidePrefix:
      return "is not in SocketHandoffAllowedPrefix once its symbolic links are resolved";
    case PathProblem::kStreamSocket:
      return "is of the type SOCK_STREAM, and SocketHandoffStreamSockets is Off: set it On if it is a daemon of "
             "yours";
    case PathProblem::kUnfitForStreamSocket:
      return "is of the type SOCK_STREAM, to which only a JSON object on one line is sent, or no data";
    case PathProblem::kUnresolvable:
      return "cannot be resolved, because /proc is not mounted where Apache runs";
    case PathProblem::kNotASocket:
      return "is not a socket";
  }
  return "has an unknown problem";
}

int http_status(PathProblem problem) {
  switch (problem) {
    case PathProblem::kParentReference:
    case PathProblem::kOutsidePrefix:
    case PathProblem::kStreamSocket:
    case PathProblem::kUnfitForStreamSocket:
      return kForbidden;
    default:
      return kInternalServerError;
  }
}

SocketList::SocketList(char* text) {
  char* whole = text;
  while (char* comma = std::strchr(text, ',')) {
    *comma = '\0';
    add(trim(text));
    text = comma + 1;
  }
  add(trim(text));
  if (size_ == 0) paths_[size_++] = trim(whole);
  SH_CHECK(size_ >= 1 && size_ <= kMaxSockets);
}

void SocketList::add(const char* path) {
  if (*path == '\0') return;
  if (size_ == kMaxSockets) {
    is_too_long_ = true;
  } else {
    paths_[size_++] = path;
  }
}

}  // namespace socket_handoff
