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

#include "base/check.h"
#include "handoff/limits.h"

namespace streaming {
namespace {

constexpr char kOwnerKey[] = "server.socket_owner";
constexpr char kGroupKey[] = "server.socket_group";

Result<int> socket_option(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, option, &value, &length) != 0) {
    return Error::from_errno("cannot read the options of the listening socket", errno);
  }
  return value;
}

UniqueFd new_socket(int type) {
  return UniqueFd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

Error in_use(const std::string& path) {
  return Error{path + " is in use by another process; stop it, or choose another path with --socket"};
}

// Held while a stale file is replaced. Without it, two daemons that start at the same time would each take the other's
// new socket for stale, because no process listens on it yet. The lock's file exists only while it is held.
class ReplacementLock {
 public:
  static Result<ReplacementLock> take(const std::string& path) {
    std::string name = path + ".lock";
    UniqueFd file(open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return Error::from_errno("cannot bind the socket " + path + ": cannot create " + name, errno);
    struct stat held {}, there {};
    const bool locked = flock(file.get(), LOCK_EX | LOCK_NB) == 0;
    // The previous holder has removed the file.
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

// Removes the file at `address` if it is a socket on which no process listens.
Status remove_stale(const sockaddr_un& address) {
  struct stat status {};
  if (lstat(address.sun_path, &status) != 0) return success();
  const std::string path = address.sun_path;
  if (!S_ISSOCK(status.st_mode)) {
    return Error{path + " exists and is not a socket; remove it, or choose another path with --socket"};
  }
  UniqueFd probe = new_socket(SOCK_SEQPACKET);
  if (!probe) return Error::from_errno("cannot create a socket", errno);
  // Only ECONNREFUSED means that no process listens: EPROTOTYPE is a listener of another type, EAGAIN a busy one.
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

// Uses a descriptor, so that all steps concern the same file. No client gets in meanwhile, because the socket does not
// listen yet.
Status set_rights(const std::string& path, const SocketRights& rights) {
  const UniqueFd file(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return Error::from_errno("cannot find the socket " + path, errno);
  const auto give = [&file](uid_t owner, gid_t group) {
    return fchownat(file.get(), "", owner, group, AT_EMPTY_PATH) == 0;
  };
  constexpr auto kSameOwner = static_cast<uid_t>(-1);
  constexpr auto kSameGroup = static_cast<gid_t>(-1);
  // The group comes first: a process that has given the file away may not change it any more.
  if (!rights.group.name.empty() && !give(kSameOwner, rights.group.id)) {
    return cannot_give(path, kGroupKey, "group", rights.group, errno);
  }
  // The mode comes before the owner for the same reason.
  if (chmod(("/proc/self/fd/" + std::to_string(file.get())).c_str(), rights.mode) != 0) {
    return Error::from_errno("cannot set the permissions of the socket " + path, errno);
  }
  if (!rights.owner.name.empty() && !give(rights.owner.id, kSameGroup)) {
    return cannot_give(path, kOwnerKey, "user", rights.owner, errno);
  }
  return success();
}

// A socket that listens already keeps its backlog: its maker has chosen it.
Result<ListeningSocket> listen_at(UniqueFd socket, const std::string& path) {
  // From now on the kernel adds the sender's credentials to the messages of new connections.
  constexpr int kOn = 1;
  if (setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &kOn, sizeof kOn) != 0) {
    return Error::from_errno("cannot ask for the credentials of senders on the socket " + path, errno);
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
  return ListeningSocket{std::move(socket), path, *type, status.st_dev, status.st_ino};
}

}  // namespace

void ListeningSocket::remove_file() const {
  CHECK(fd);
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (status.st_dev == device && status.st_ino == inode) unlink(path.c_str());
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
  // A module that waits for the socket tries again if no process listens, but gives up if it may not connect. So the
  // file is open to all until its rights are set. Until then every connection is refused, because the socket does not
  // listen yet.
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
    return Error::from_errno("cannot find the path of the passed socket", errno);
  }
  const std::string path(address.sun_path, strnlen(address.sun_path, sizeof address.sun_path));
  // Emptying the backlog must not block when it is empty.
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
