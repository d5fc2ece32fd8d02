// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/daemon_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "mod_socket_handoff/check.h"

namespace socket_handoff {
namespace {

UniqueDescriptor pin_file(const char* path) {
  return UniqueDescriptor(::open(path, O_PATH | O_CLOEXEC));
}

UniqueDescriptor open_directory(const char* path) {
  return UniqueDescriptor(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// `prefix` is a directory or a socket, as the administrator wrote it.
bool is_within_prefix(std::string_view resolved, const char* prefix) {
  // The resolved path has no link. So if it begins with the prefix as written, the prefix has none either.
  if (is_within(resolved, prefix)) return true;
  // Otherwise the prefix may be a link itself, such as /var/run.
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

// A missing socket is worth waiting for only if it would be allowed once it appears. Its directory may be missing too,
// such as systemd's RuntimeDirectory while a service restarts: the nearest directory that exists decides.
PathProblem check_place_of_missing(std::string_view path, std::span<const char* const> allowed_prefixes) {
  if (is_in_missing_prefix(path, allowed_prefixes)) return PathProblem::kNone;

  for (std::size_t slash = path.rfind('/');; slash = path.rfind('/', slash - 1)) {
    char ancestor[kMaxSocketPathBytes + 1];
    ancestor[path.copy(ancestor, slash + 1)] = '\0';
    const UniqueDescriptor directory = open_directory(ancestor);
    if (!directory && slash > 0) continue;
    if (!directory) return PathProblem::kNone;  // not even the root: descriptors have run out, and errno says so
    ResolvedPath resolved(directory);
    if (resolved.is_known()) resolved.append(path, slash);
    return check_resolved_path(resolved.text(), allowed_prefixes);
  }
}

// False if the file is not a socket.
bool read_owner(const UniqueDescriptor& pin, uid_t& owner) {
  struct stat status;
  if (::fstat(pin.get(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  owner = status.st_uid;
  return true;
}

// FNV-1a of what distinguishes a file from all others.
std::uint64_t identity_of(const struct stat& status) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint64_t part :
       {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
        static_cast<std::uint64_t>(status.st_ctim.tv_sec), static_cast<std::uint64_t>(status.st_ctim.tv_nsec)}) {
    for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ ((part >> shift) & 0xff)) * 0x100000001b3;
  }
  return hash | 1;
}

void connect_as(int type, const UniqueDescriptor& socket_file, const SocketRules& rules, DaemonConnection& connection) {
  connection.error = 0;
  if (type == SOCK_STREAM) connection.problem = problem_of_stream_socket(rules.stream_sockets);
  if (connection.problem != PathProblem::kNone) return;

  UniqueDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", socket_file.get());
  // A Unix socket connects at once or not at all: because the socket is non-blocking, a full backlog is EAGAIN and no
  // wait.
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    connection.error = errno;
    return;
  }
  connection.socket = std::move(socket);
  connection.type = type;
  SH_CHECK(connection.problem == PathProblem::kNone && connection.error == 0);
}

// False if the socket is not known, or is of another type now.
bool connect_to_known(KnownSockets& known, const char* path, const SocketRules& rules, DaemonConnection& connection) {
  const KnownSockets::Borrowed borrowed = known.find(path);
  if (!borrowed) return false;
  connection.problem = check_resolved_path(borrowed->resolved, rules.allowed_prefixes);
  if (connection.problem == PathProblem::kNone) connect_as(borrowed->type, borrowed->file, rules, connection);
  connection.identity = borrowed->identity;
  connection.owner = borrowed.owner();
  return connection.error != EPROTOTYPE;
}

}  // namespace

ResolvedPath::ResolvedPath(const UniqueDescriptor& file) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file.get());
  const ssize_t length = ::readlink(link, text_, PATH_MAX);
  if (length > 0) length_ = static_cast<std::size_t>(length);
}

void ResolvedPath::append(std::string_view path, std::size_t from) {
  SH_CHECK(is_known() && from <= path.size());
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
  if (file.problem == PathProblem::kNone && !read_owner(file.pin, file.owner)) file.problem = PathProblem::kNotASocket;
  return file;
}

KnownSockets::Socket* KnownSockets::entry_of(const char* path) {
  for (Socket& socket : sockets_) {
    if (std::strcmp(socket.path, path) == 0) return &socket;
  }
  return nullptr;
}

KnownSockets::Borrowed KnownSockets::find(const char* path) {
  pthread_rwlock_rdlock(&lock_);
  const Socket* socket = *path ? entry_of(path) : nullptr;
  struct stat status;
  if (socket && ::stat(path, &status) == 0 && status.st_ino == socket->number && status.st_dev == socket->device) {
    return {&lock_, socket, status.st_uid};
  }
  pthread_rwlock_unlock(&lock_);
  return {nullptr, nullptr, 0};
}

std::uint64_t KnownSockets::keep(const char* path, std::string_view resolved, int type, UniqueDescriptor file) {
  SH_CHECK(file && *path && (type == SOCK_SEQPACKET || type == SOCK_STREAM));
  struct stat status;
  if (std::strlen(path) > kMaxSocketPathBytes || resolved.size() > kMaxResolvedBytes) return 0;
  if (::fstat(file.get(), &status) != 0) return 0;

  pthread_rwlock_wrlock(&lock_);
  Socket* socket = entry_of(path);
  if (!socket) socket = entry_of("");
  if (!socket) socket = &sockets_[next_to_replace_++ % kMaxKnown];
  std::strcpy(socket->path, path);
  socket->resolved[resolved.copy(socket->resolved, kMaxResolvedBytes)] = '\0';
  socket->file = std::move(file);
  socket->device = status.st_dev;
  socket->number = status.st_ino;
  socket->type = type;
  socket->identity = identity_of(status);
  const std::uint64_t identity = socket->identity;
  SH_CHECK(identity != 0);
  pthread_rwlock_unlock(&lock_);
  return identity;
}

void SocketsForAWhile::add(const char* path) {
  if (std::strlen(path) > kMaxSocketPathBytes) return;
  pthread_mutex_lock(&lock_);
  Entry& entry = entries_[next_++ % kMaxRemembered];
  std::strcpy(entry.path, path);
  entry.end = Deadline(time_remembered_);
  pthread_mutex_unlock(&lock_);
}

bool SocketsForAWhile::contains(const char* path) {
  bool is_there = false;
  pthread_mutex_lock(&lock_);
  for (const Entry& entry : entries_) {
    is_there = is_there || (std::strcmp(entry.path, path) == 0 && !entry.end.has_passed());
  }
  pthread_mutex_unlock(&lock_);
  return is_there;
}

uid_t listening_user(const DaemonConnection& daemon) {
  ucred listener = {};
  socklen_t length = sizeof listener;
  const bool is_known = ::getsockopt(daemon.socket.get(), SOL_SOCKET, SO_PEERCRED, &listener, &length) == 0;
  return is_known ? listener.uid : static_cast<uid_t>(-1);
}

DaemonConnection connect_to_daemon(KnownSockets& known, const char* path, const SocketRules& rules) {
  DaemonConnection connection;
  if (connect_to_known(known, path, rules, connection)) return connection;

  SocketFile file = open_socket_file(path, rules.allowed_prefixes);
  connection.problem = file.problem;
  connection.error = file.error;
  connection.owner = file.owner;
  if (!file.pin || file.problem != PathProblem::kNone) return connection;

  connect_as(SOCK_SEQPACKET, file.pin, rules, connection);
  // EPROTOTYPE: the listener is of the other type. It has not noticed the attempt.
  if (connection.error == EPROTOTYPE) connect_as(SOCK_STREAM, file.pin, rules, connection);
  if (connection.socket) {
    connection.identity = known.keep(path, file.resolved.text(), connection.type, std::move(file.pin));
  }
  return connection;
}

}  // namespace socket_handoff
