// SPDX-License-Identifier: Apache-2.0
// The C library's functions by which the daemon, libcurl, c-ares, hiredis and OpenSSL reach the clock, entropy and
// sockets. While a world runs, they are the simulated kernel's; descriptors that are not the simulated kernel's, and all
// calls while no world runs, go to the real one.
//
// An executable's own definition comes before the C library's for all that it is linked with, and before the
// interceptors of sanitizers. So nothing of the code under test has to know.

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <linux/sockios.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <string>

#include "simulation/world/control_data.h"
#include "simulation/world/event_file.h"
#include "simulation/world/kernel.h"
#include "simulation/world/link.h"
#include "simulation/world/pair_socket.h"

namespace {

using streaming::simulation::EventFile;
using streaming::simulation::File;
using streaming::simulation::Kernel;
using streaming::simulation::kClockOfDaysAhead;
using streaming::simulation::kFirstDescriptor;
using streaming::simulation::PairSocket;
using streaming::simulation::running_kernel;
using streaming::simulation::sent_file;
using streaming::simulation::StreamSocket;

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

bool is_simulated(int fd) {
  return fd >= kFirstDescriptor && running_kernel() != nullptr;
}

std::shared_ptr<File> file_of(int fd) {
  Kernel& kernel = *running_kernel();
  return kernel.process == nullptr ? nullptr : kernel.process->find(fd);
}

template <typename Result = int>
Result returned(std::int64_t result) {
  if (result >= 0) return static_cast<Result>(result);
  errno = static_cast<int>(-result);
  return -1;
}

// Calls `call` with the file; EBADF if there is none.
template <typename Result = int, typename Call>
Result with_file(int fd, Call&& call) {
  const std::shared_ptr<File> file = file_of(fd);
  return returned<Result>(file == nullptr ? -EBADF : call(*file));
}

std::int64_t clock_ns(clockid_t clock) {
  const std::int64_t now_ns = running_kernel()->scheduler.now_ns();
  const bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  return is_wall ? kClockOfDaysAhead.count() * kNsPerSecond + now_ns : now_ns;
}

void fill_with_entropy(void* buffer, std::size_t bytes) {
  auto* out = static_cast<unsigned char*>(buffer);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<unsigned char>(running_kernel()->entropy.next() >> 56);
}

std::int64_t simulated_fcntl(File& file, int command, long argument) {
  switch (command) {
    case F_GETFD:
      return FD_CLOEXEC;
    case F_SETFD:
      return 0;
    case F_GETFL:
      return O_RDWR | file.status_flags;
    case F_SETFL:
      file.status_flags = static_cast<int>(argument) & O_NONBLOCK;
      return 0;
    default:
      return -EINVAL;
  }
}

std::int64_t simulated_poll(pollfd* files, nfds_t count) {
  std::int64_t ready = 0;
  for (nfds_t i = 0; i < count; ++i) {
    files[i].revents = 0;
    if (files[i].fd < 0) continue;
    const std::shared_ptr<File> file = file_of(files[i].fd);
    const int events = file == nullptr ? POLLNVAL : file->events() & (files[i].events | POLLERR | POLLHUP);
    files[i].revents = static_cast<short>(events);
    if (events != 0) ++ready;
  }
  return ready;
}

}  // namespace

extern "C" {

// --- The clock and entropy ------------------------------------------------------------------------------------------

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const bool simulated = running_kernel() != nullptr && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID;
  if (!simulated) return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  const std::int64_t ns = clock_ns(clock);
  *time = {ns / kNsPerSecond, ns % kNsPerSecond};
  return 0;
}

int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}

int getentropy(void* buffer, std::size_t bytes) {
  if (running_kernel() == nullptr) return syscall(SYS_getrandom, buffer, bytes, 0) == static_cast<long>(bytes) ? 0 : -1;
  fill_with_entropy(buffer, bytes);
  return 0;
}

ssize_t getrandom(void* buffer, std::size_t bytes, unsigned flags) {
  if (running_kernel() == nullptr) return syscall(SYS_getrandom, buffer, bytes, flags);
  fill_with_entropy(buffer, bytes);
  return static_cast<ssize_t>(bytes);
}

// Looks at all of the process's memory, which is not a daemon's here.
int malloc_trim(std::size_t) noexcept {
  return 0;
}

// --- Descriptors ----------------------------------------------------------------------------------------------------

int close(int fd) {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_close, fd));
  Kernel& kernel = *running_kernel();
  return returned(kernel.process != nullptr && kernel.process->close(fd) ? 0 : -EBADF);
}

int fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_fcntl, fd, command, argument));
  return with_file(fd, [&](File& file) { return simulated_fcntl(file, command, argument); });
}

int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list list;
  va_start(list, request);
  void* const argument = va_arg(list, void*);
  va_end(list);
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
  return with_file(fd, [&](File& file) -> std::int64_t {
    if (request == FIONBIO) return file.status_flags = *static_cast<int*>(argument) != 0 ? O_NONBLOCK : 0, 0;
    if (request != SIOCOUTQ) return -ENOTTY;
    const std::int64_t bytes = file.unacknowledged();
    if (bytes >= 0) *static_cast<int*>(argument) = static_cast<int>(bytes);
    return std::min<std::int64_t>(bytes, 0);
  });
}

int poll(pollfd* files, nfds_t count, int timeout_ms) {
  const bool simulated = running_kernel() != nullptr && count > 0 && files[0].fd >= kFirstDescriptor;
  if (simulated) return returned(simulated_poll(files, count));
  return static_cast<int>(syscall(SYS_poll, files, count, timeout_ms));
}

int eventfd(unsigned value, int flags) noexcept {
  Kernel* const kernel = running_kernel();
  if (kernel == nullptr || kernel->process == nullptr) return static_cast<int>(syscall(SYS_eventfd2, value, flags));
  return returned(kernel->process->add(std::make_shared<EventFile>(value)));
}

int eventfd_read(int fd, eventfd_t* value) {
  return read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}

int eventfd_write(int fd, eventfd_t value) {
  return write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}

// --- Sockets --------------------------------------------------------------------------------------------------------

int socket(int family, int type, int protocol) noexcept {
  Kernel* const kernel = running_kernel();
  if (kernel == nullptr || kernel->process == nullptr) return static_cast<int>(syscall(SYS_socket, family, type, protocol));
  if ((type & 0xF) != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX)) {
    return returned(-EAFNOSUPPORT);
  }
  auto file = std::make_shared<StreamSocket>(*kernel, family);
  file->status_flags = (type & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
  return returned(kernel->process->add(std::move(file)));
}

int socketpair(int family, int type, int protocol, int ends[2]) noexcept {
  Kernel* const kernel = running_kernel();
  const bool simulated = kernel != nullptr && kernel->process != nullptr;
  if (!simulated) return static_cast<int>(syscall(SYS_socketpair, family, type, protocol, ends));
  const auto pair = PairSocket::make(*kernel, type & 0xF);
  ends[0] = kernel->process->add(pair.first);
  if (ends[0] < 0) return returned(ends[0]);
  ends[1] = kernel->process->add(pair.second);
  if (ends[1] >= 0) return 0;
  kernel->process->close(ends[0]);
  return returned(ends[1]);
}

int connect(int fd, const sockaddr* address, socklen_t length) {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_connect, fd, address, length));
  return with_file(fd, [&](File& file) { return file.connect(*address, length); });
}

int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_bind, fd, address, length));
  return 0;
}

int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_accept4, fd, address, length, flags));
  return with_file(fd, [](File& file) -> std::int64_t {
    auto& files = *running_kernel()->process;
    if (files.is_full()) return -EMFILE;  // the connection stays in the backlog
    int error = 0;
    std::shared_ptr<File> accepted = file.accept(error);
    return accepted == nullptr ? -error : files.add(std::move(accepted));
  });
}

// Nobody looks at the addresses of simulated sockets.
int getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_getsockname, fd, address, length));
  std::memset(address, 0, *length);
  address->sa_family = AF_INET;
  *length = sizeof(sockaddr_in);
  return 0;
}

int getpeername(int fd, sockaddr* address, socklen_t* length) noexcept {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_getpeername, fd, address, length));
  return getsockname(fd, address, length);
}

int getsockopt(int fd, int level, int option, void* value, socklen_t* length) noexcept {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_getsockopt, fd, level, option, value, length));
  return with_file(fd, [&](File& file) { return file.option(level, option, value, *length); });
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t length) noexcept {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_setsockopt, fd, level, option, value, length));
  return with_file(fd, [&](File& file) { return file.set_option(level, option, value, length); });
}

int shutdown(int fd, int how) noexcept {
  if (!is_simulated(fd)) return static_cast<int>(syscall(SYS_shutdown, fd, how));
  return with_file(fd, [&](File& file) { return file.shutdown(how); });
}

ssize_t sendto(int fd, const void* bytes, std::size_t count, int flags, const sockaddr* address, socklen_t length) {
  if (!is_simulated(fd)) return syscall(SYS_sendto, fd, bytes, count, flags, address, length);
  return with_file<ssize_t>(fd, [&](File& file) { return file.send({static_cast<const char*>(bytes), count}); });
}

ssize_t send(int fd, const void* bytes, std::size_t count, int flags) {
  return sendto(fd, bytes, count, flags, nullptr, 0);
}

// MSG_PEEK is how libcurl looks whether a connection of its pool lives.
ssize_t recvfrom(int fd, void* bytes, std::size_t count, int flags, sockaddr* address, socklen_t* length) {
  if (!is_simulated(fd)) return syscall(SYS_recvfrom, fd, bytes, count, flags, address, length);
  return with_file<ssize_t>(fd, [&](File& file) -> std::int64_t {
    const std::span<char> room(static_cast<char*>(bytes), count);
    if ((flags & MSG_PEEK) == 0) return file.receive(room);
    if (file.receivable() > 0) return static_cast<std::int64_t>(std::min(file.receivable(), count));
    return file.receive({});
  });
}

ssize_t recv(int fd, void* bytes, std::size_t count, int flags) {
  return recvfrom(fd, bytes, count, flags, nullptr, nullptr);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (!is_simulated(fd)) return syscall(SYS_sendmsg, fd, message, flags);
  const std::span<const char> bytes(static_cast<const char*>(message->msg_iov[0].iov_base), message->msg_iov[0].iov_len);
  return with_file<ssize_t>(fd, [&](File& file) -> std::int64_t {
    auto* const pair = dynamic_cast<PairSocket*>(&file);
    return pair == nullptr ? -EOPNOTSUPP : pair->send_message(bytes, sent_file(*running_kernel()->process, *message));
  });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  if (!is_simulated(fd)) return syscall(SYS_recvmsg, fd, message, flags);
  const std::span<char> room(static_cast<char*>(message->msg_iov[0].iov_base), message->msg_iov[0].iov_len);
  return with_file<ssize_t>(fd, [&](File& file) { return file.receive_message(room, *message); });
}

ssize_t read(int fd, void* bytes, std::size_t count) {
  if (!is_simulated(fd)) return syscall(SYS_read, fd, bytes, count);
  return recvfrom(fd, bytes, count, 0, nullptr, nullptr);
}

ssize_t write(int fd, const void* bytes, std::size_t count) {
  if (!is_simulated(fd)) return syscall(SYS_write, fd, bytes, count);
  return sendto(fd, bytes, count, 0, nullptr, 0);
}

// What compilers that check the sizes of buffers call in their place.
ssize_t __read_chk(int fd, void* bytes, std::size_t count, std::size_t) {
  return read(fd, bytes, count);
}

ssize_t __recv_chk(int fd, void* bytes, std::size_t count, std::size_t, int flags) {
  return recv(fd, bytes, count, flags);
}

ssize_t __recvfrom_chk(int fd, void* bytes, std::size_t count, std::size_t, int flags, sockaddr* address,
                       socklen_t* length) {
  return recvfrom(fd, bytes, count, flags, address, length);
}

int __poll_chk(pollfd* files, nfds_t count, int timeout_ms, std::size_t) {
  return poll(files, count, timeout_ms);
}

}  // extern "C"
