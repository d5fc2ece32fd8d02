// SPDX-License-Identifier: Apache-2.0
#include "handoff/listening_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "handoff/limits.h"

namespace streaming {
namespace {

constexpr char kOwnerKey[] = "server.socket_owner";
constexpr char kGroupKey[] = "server.socket_group";

Result<int> socket_option(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, option, &value, &length) != 0) {
    return Error::from_errno("cannot ask what the listening socket is", errno);
  }
  return value;
}

UniqueFd new_socket(int type) {
  return UniqueFd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

Error in_use(const std::string& path) {
  return Error{path + " is in use by another process; stop it, or choose another path with --socket"};
}

// Held while a stale file is replaced: two daemons that are started at once would each take the other's new socket, on
// which nobody listens yet, for stale. Its file is there only as long.
class ReplacementLock {
 public:
  static Result<ReplacementLock> take(const std::string& path) {
    std::string name = path + ".lock";
    UniqueFd file(open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return Error::from_errno("cannot create " + name, errno);
    struct stat held {}, there {};
    const bool locked = flock(file.get(), LOCK_EX | LOCK_NB) == 0;
    // Whoever held it before has removed its file.
    const bool removed =
        fstat(file.get(), &held) != 0 || lstat(name.c_str(), &there) != 0 || held.st_ino != there.st_ino;
    if (!locked || removed) return in_use(path);
    return ReplacementLock(std::move(file), std::move(name));
  }
  ReplacementLock(ReplacementLock&&) = default;
  ~ReplacementLock() {
    if (file_) unlink(name_.c_str());
  }

 private:
  ReplacementLock(UniqueFd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  UniqueFd file_;
  std::string name_;
};

// Removes the file at `address` when it is a socket on which nobody listens.
Status remove_stale(const sockaddr_un& address) {
  struct stat status {};
  if (lstat(address.sun_path, &status) != 0) return success();
  const std::string path = address.sun_path;
  if (!S_ISSOCK(status.st_mode)) {
    return Error{path + " exists and is not a socket; remove it, or choose another path with --socket"};
  }
  UniqueFd probe = new_socket(SOCK_SEQPACKET);
  if (!probe) return Error::from_errno("cannot create a socket", errno);
  // ECONNREFUSED alone says that nobody listens: EPROTOTYPE is a listener of another type, EAGAIN a busy one.
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return in_use(path);
  }
  if (unlink(address.sun_path) != 0 && errno != ENOENT) {
    return Error::from_errno("cannot remove the stale socket " + path, errno);
  }
  return success();
}

Error cannot_give(const std::string& path, const std::string& key, const char* to, const Account& account, int code) {
  return Error{
      "cannot give the socket " + path + " to the " + to + " " + account.name + " (" + key +
          "): " + std::strerror(code) + "; start the daemon as root or in a service manager that makes the socket, " +
          (key == kGroupKey ? "add the daemon's user to that group, or leave the key out" : "or leave the key out"),
      code};
}

// By a descriptor of the file, so that it is the same for all steps. Nobody is let in meanwhile: nobody listens yet.
Status set_rights(const std::string& path, const SocketRights& rights) {
  const UniqueFd file(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return Error::from_errno("cannot find the socket " + path, errno);
  const auto give = [&file](uid_t owner, gid_t group) {
    return fchownat(file.get(), "", owner, group, AT_EMPTY_PATH) == 0;
  };
  constexpr auto kSameOwner = static_cast<uid_t>(-1);
  constexpr auto kSameGroup = static_cast<gid_t>(-1);
  // The group first: who gives the file away may not change it any more.
  if (!rights.group.name.empty() && !give(kSameOwner, rights.group.id)) {
    return cannot_give(path, kGroupKey, "group", rights.group, errno);
  }
  // The mode before the owner, likewise.
  if (chmod(("/proc/self/fd/" + std::to_string(file.get())).c_str(), rights.mode) != 0) {
    return Error::from_errno("cannot set the permissions of the socket " + path, errno);
  }
  if (!rights.owner.name.empty() && !give(rights.owner.id, kSameGroup)) {
    return cannot_give(path, kOwnerKey, "user", rights.owner, errno);
  }
  return success();
}

// One that listens already keeps its backlog, which is up to whoever has made it.
Result<ListeningSocket> listen_at(UniqueFd socket, const std::string& path) {
  // Each message comes with who has sent it, of connections that are made from now on.
  constexpr int kOn = 1;
  if (setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &kOn, sizeof kOn) != 0) {
    return Error::from_errno("cannot ask who connects to the socket " + path, errno);
  }
  const Result<int> listens = socket_option(socket.get(), SO_ACCEPTCONN);
  if (!listens) return listens.error();
  if (*listens == 0 && listen(socket.get(), kListenBacklog) != 0) {
    return Error::from_errno("cannot listen on the socket " + path, errno);
  }
  const Result<int> type = socket_option(socket.get(), SO_TYPE);
  if (!type) return type.error();
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return Error::from_errno("cannot find the socket " + path, errno);
  return ListeningSocket{std::move(socket), path, *type, status.st_dev, status.st_ino, status.st_ctim};
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

Result<ListeningSocket> open_listening_socket(const std::string& path, const SocketRights& rights, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{"the socket's path must have 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes: " + path};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const Result<ReplacementLock> lock = ReplacementLock::take(path);
  if (!lock) return lock.error();
  if (Status removed = remove_stale(address); !removed) return removed.error();

  UniqueFd listener = new_socket(type);
  if (!listener) return Error::from_errno("cannot create a socket", errno);
  // A module that waits for the socket to appear tries again where nobody listens, and gives up where it may not
  // connect. So everybody may until the rights are set, and is refused, as nobody listens before.
  const mode_t previous_umask = umask(0);
  const int bound = bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_errno = errno;
  umask(previous_umask);
  if (bound != 0) return Error::from_errno("cannot bind the socket " + path, bind_errno);
  if (Status set = set_rights(path, rights); !set) {
    unlink(path.c_str());
    return set.error();
  }
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

std::string_view socket_type_name(int type) {
  return type == SOCK_STREAM ? "stream" : "seqpacket";
}

int socket_type_of(std::string_view name) {
  return name == "stream" ? SOCK_STREAM : SOCK_SEQPACKET;
}

}  // namespace streaming
