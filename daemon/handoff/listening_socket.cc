#include "handoff/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace streaming {
namespace {

UniqueFd new_socket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Removes the file at `address` when it is a socket on which nobody listens.
Status remove_stale(const sockaddr_un& address) {
  struct stat status {};
  if (lstat(address.sun_path, &status) != 0) return success();
  const std::string path = address.sun_path;
  if (!S_ISSOCK(status.st_mode)) {
    return Error{path + " exists and is not a socket; remove it, or choose another path with --socket"};
  }
  UniqueFd probe = new_socket();
  if (!probe) return Error::from_errno("cannot create a socket", errno);
  // ECONNREFUSED alone says that nobody listens: EPROTOTYPE is a listener of another type, EAGAIN a busy one.
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return Error{path + " is in use by another process; stop it, or choose another path with --socket"};
  }
  if (unlink(address.sun_path) != 0 && errno != ENOENT) {
    return Error::from_errno("cannot remove the stale socket " + path, errno);
  }
  return success();
}

// Also of one that listens already: the backlog must be one that a ring has room for.
Result<ListeningSocket> listen_at(UniqueFd socket, const std::string& path) {
  if (listen(socket.get(), kListenBacklog) != 0) {
    return Error::from_errno("cannot listen on the socket " + path, errno);
  }
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return Error::from_errno("cannot find the socket " + path, errno);
  return ListeningSocket{std::move(socket), path, status.st_dev, status.st_ino, status.st_ctim};
}

}  // namespace

void ListeningSocket::remove_file() const {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (status.st_dev == device && status.st_ino == inode && status.st_ctim.tv_sec == changed.tv_sec &&
      status.st_ctim.tv_nsec == changed.tv_nsec) {
    unlink(path.c_str());
  }
}

Result<ListeningSocket> open_listening_socket(const std::string& path, mode_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{"the socket's path must have 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes: " + path};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (Status removed = remove_stale(address); !removed) return removed.error();

  UniqueFd listener = new_socket();
  if (!listener) return Error::from_errno("cannot create a socket", errno);
  // The file has its mode from the beginning: with another one for a moment, a module that waits for the socket to
  // appear would find that it may not connect, and give up.
  const mode_t previous_umask = umask(~mode & 0777);
  const int bound = bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_errno = errno;
  umask(previous_umask);
  if (bound != 0) return Error::from_errno("cannot bind the socket " + path, bind_errno);
  return listen_at(std::move(listener), path);
}

Result<ListeningSocket> adopt_listening_socket(UniqueFd fd) {
  sockaddr_un address{};
  socklen_t length = sizeof address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return Error::from_errno("cannot tell where the passed socket is", errno);
  }
  const std::string path(address.sun_path, strnlen(address.sun_path, sizeof address.sun_path));
  // Who empties the backlog must not wait for more.
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Error::from_errno("cannot make the passed socket non-blocking", errno);
  }
  return listen_at(std::move(fd), path);
}

}  // namespace streaming
