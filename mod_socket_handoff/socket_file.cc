#include "mod_socket_handoff/socket_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <string_view>

namespace socket_handoff {
namespace {

UniqueDescriptor pin_file(const char* path) {
  return UniqueDescriptor(::open(path, O_PATH | O_CLOEXEC));
}

UniqueDescriptor open_directory(const char* path) {
  return UniqueDescriptor(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// `prefix` is a directory or a socket as the administrator wrote it.
bool is_within_prefix(std::string_view resolved, const char* prefix) {
  // No link is left in the resolved path, so if it begins with the prefix as written, the prefix has none either.
  if (is_within(resolved, prefix)) return true;
  // Else the prefix may be a link itself, as /var/run is.
  const UniqueDescriptor place = pin_file(prefix);
  if (!place) return false;
  const ResolvedPath resolved_prefix(place);
  return resolved_prefix.is_known() && is_within(resolved, resolved_prefix.text());
}

bool is_in_missing_prefix(std::string_view path, std::span<const char* const> allowed_prefixes) {
  for (const char* prefix : allowed_prefixes) {
    if (is_within(path, prefix) && !pin_file(prefix)) return true;
  }
  return false;
}

// A missing socket is worth waiting for only where it would be allowed once it appears. Its directory may be missing
// too, as systemd's RuntimeDirectory is while a service restarts: the nearest one that exists decides.
PathProblem check_place_of_missing(std::string_view path, std::span<const char* const> allowed_prefixes) {
  if (is_in_missing_prefix(path, allowed_prefixes)) return PathProblem::kNone;

  for (std::size_t slash = path.rfind('/');; slash = path.rfind('/', slash - 1)) {
    char ancestor[kMaxSocketPathBytes + 1];
    ancestor[path.copy(ancestor, slash + 1)] = '\0';
    const UniqueDescriptor directory = open_directory(ancestor);
    if (!directory && slash > 0) continue;
    if (!directory) return PathProblem::kNone;  // not even the root: descriptors have run out, as errno says
    ResolvedPath resolved(directory);
    if (resolved.is_known()) resolved.append(path, slash);
    return check_resolved_path(resolved.text(), allowed_prefixes);
  }
}

bool is_socket(const UniqueDescriptor& pin) {
  struct stat status;
  return ::fstat(pin.get(), &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

ResolvedPath::ResolvedPath(const UniqueDescriptor& file) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file.get());
  const ssize_t length = ::readlink(link, text_, PATH_MAX);
  if (length > 0) length_ = static_cast<std::size_t>(length);
}

void ResolvedPath::append(std::string_view path, std::size_t from) {
  path.remove_prefix(from);
  length_ += path.copy(text_ + length_, sizeof text_ - length_);
}

PathProblem check_resolved_path(std::string_view resolved, std::span<const char* const> allowed_prefixes) {
  if (resolved.empty()) return PathProblem::kUnresolvable;
  for (const char* prefix : allowed_prefixes) {
    if (is_within_prefix(resolved, prefix)) return PathProblem::kNone;
  }
  return PathProblem::kOutsidePrefix;
}

SocketFile open_socket_file(const char* path, std::span<const char* const> allowed_prefixes) {
  SocketFile file;
  file.problem = check_written_path(path);
  if (file.problem != PathProblem::kNone) return file;

  file.pin = pin_file(path);
  if (!file.pin) {
    file.error = errno;
    file.problem = check_place_of_missing(path, allowed_prefixes);
    return file;
  }
  file.resolved = ResolvedPath(file.pin);
  file.problem = check_resolved_path(file.resolved.text(), allowed_prefixes);
  if (file.problem == PathProblem::kNone && !is_socket(file.pin)) file.problem = PathProblem::kNotASocket;
  return file;
}

}  // namespace socket_handoff
