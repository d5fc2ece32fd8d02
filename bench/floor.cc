// SPDX-License-Identifier: Apache-2.0
// floor: the least that a stream can cost. An io_uring ring accepts, receives the client, sends a head and 18 timed
// events, and closes. It parses nothing, has no limits, acknowledges nothing and does not notice that a client has
// left. With --loops there are several such rings, each on a thread; they share the listening socket and nothing else.
//
// handoff-bench compares streaming-daemon with it. It is for measurements only.

#include <getopt.h>
#include <liburing.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/clock.h"

namespace {

constexpr const char* kUsage =
    "usage: floor --socket PATH [--delay MILLISECONDS (50)] [--max-connections STREAMS (18000)] [--loops LOOPS (1)]\n";

using streaming::MonotonicClock;

constexpr std::size_t kEvents = 18;
constexpr std::uint32_t kConnections = 1024;  // Apache's connections that have sent nothing yet
constexpr int kAcceptsOfALoop = 16;           // in flight, if there are several loops
constexpr std::size_t kMessageBytes = 4096;   // of a payload that are received; they are not read
constexpr std::uint16_t kAcceptPollFirst = 1u << 2;  // IORING_ACCEPT_POLL_FIRST, which is not in liburing 2.3

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n"
    "X-Accel-Buffering: no\r\n\r\n:\n\n";
constexpr std::string_view kEvent = "data: {\"content\":\"as many words as a model\"}\n\n";
constexpr std::string_view kDone = "data: [DONE]\n\n";

enum class Operation : std::uint32_t { kAccept, kReceive, kInstall, kSend, kNone };

std::uint64_t tag_of(Operation operation, std::uint32_t slot = 0) {
  return static_cast<std::uint64_t>(operation) << 32 | slot;
}

// One of Apache's connections. Its slot in the ring's table is its index here, after the clients' slots.
struct Connection {
  msghdr message{};
  iovec data{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  char payload[kMessageBytes];
};

struct Stream {
  int fd = -1;  // the client's descriptor, until it is in the ring's table
  std::uint32_t sent_events : 31 = 0;
  std::uint32_t gone : 1 = 0;  // a send has failed
};

struct Due {
  std::int64_t at_ms;
  std::uint32_t slot;
};

class Floor {
 public:
  // `shares`: other loops accept on the same socket.
  Floor(std::int64_t delay_ms, std::uint32_t max_streams, int listener, bool shares)
      : delay_ms_(delay_ms), listener_(listener), shares_(shares), streams_(max_streams) {
    for (std::uint32_t slot = max_streams; slot-- > 0;) free_.push_back(slot);
    first_.append(kHead).append(kEvent);
    last_.append(kEvent).append(kDone);
  }

  [[noreturn]] void run();

 private:
  void open();
  io_uring_sqe* next_entry(std::uint64_t tag);
  void submit_accept();
  void submit_close_direct(std::uint32_t file);
  void wait();
  void on_completion(const io_uring_cqe& completion);
  void on_accept(int file, bool more);
  void on_message(std::uint32_t file, int result);
  void submit_install(int fd);
  void submit_next_event(std::uint32_t slot);
  void on_sent(std::uint32_t slot, int result);
  void go_on(std::uint32_t slot);
  void close_stream(std::uint32_t slot);
  void send_due();

  const std::int64_t delay_ms_;
  const int listener_;
  const bool shares_;
  io_uring ring_{};
  std::int64_t now_ms_ = 0;
  std::vector<Stream> streams_;
  std::vector<std::uint32_t> free_;
  std::vector<Connection> connections_;
  std::deque<Due> due_;  // sorted, because all wait equally long
  std::string first_;
  std::string last_;
};

void fail(const char* what, int code) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(code));
  std::exit(EXIT_FAILURE);
}

int listen_on(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CHECK(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  unlink(path.c_str());
  const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 4096) != 0) {
    fail("cannot listen", errno);
  }
  return listener;
}

// --- The ring -------------------------------------------------------------------------------------------------------

void Floor::open() {
  io_uring_params params{};
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  params.cq_entries = 16384;
  if (const int result = io_uring_queue_init_params(4096, &ring_, &params); result < 0) fail("io_uring", -result);
  const auto clients = static_cast<unsigned>(streams_.size());
  if (const int result = io_uring_register_files_sparse(&ring_, clients + kConnections); result < 0) {
    fail("cannot make the ring's table of files", -result);
  }
  if (const int result = io_uring_register_file_alloc_range(&ring_, clients, kConnections); result < 0) {
    fail("cannot divide the ring's table of files", -result);
  }
  connections_ = std::vector<Connection>(kConnections);
}

io_uring_sqe* Floor::next_entry(std::uint64_t tag) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  while (entry == nullptr) {
    io_uring_submit_and_get_events(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  entry->user_data = tag;
  return entry;
}

// A multishot accept would keep its place in the kernel's queue, and take all of them.
void Floor::submit_accept() {
  io_uring_sqe* entry = next_entry(0);
  if (shares_) {
    io_uring_prep_accept_direct(entry, listener_, nullptr, nullptr, 0, IORING_FILE_INDEX_ALLOC - 1);
    entry->ioprio |= kAcceptPollFirst;
  } else {
    io_uring_prep_multishot_accept_direct(entry, listener_, nullptr, nullptr, 0);
  }
  entry->user_data = tag_of(Operation::kAccept);
}

void Floor::submit_close_direct(std::uint32_t file) {
  io_uring_sqe* entry = next_entry(0);
  io_uring_prep_close_direct(entry, file);
  entry->user_data = tag_of(Operation::kNone);
}

void Floor::wait() {
  if (due_.empty()) {
    io_uring_submit_and_wait(&ring_, 1);
    return;
  }
  const std::int64_t left_ns = due_.front().at_ms * 1'000'000 - MonotonicClock::now_ns();
  if (left_ns <= 0) {
    io_uring_submit_and_get_events(&ring_);
    return;
  }
  __kernel_timespec timeout{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
  io_uring_cqe* first = nullptr;
  io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
}

void Floor::run() {
  open();
  for (int accepts = shares_ ? kAcceptsOfALoop : 1; accepts > 0; --accepts) submit_accept();
  std::array<io_uring_cqe*, 64> batch;
  for (;;) {
    wait();
    now_ms_ = MonotonicClock::now_ns() / 1'000'000;
    for (unsigned left = io_uring_cq_ready(&ring_); left > 0;) {
      const unsigned count = io_uring_peek_batch_cqe(&ring_, batch.data(), std::min<unsigned>(left, batch.size()));
      for (unsigned i = 0; i < count; ++i) on_completion(*batch[i]);
      io_uring_cq_advance(&ring_, count);
      left -= count;
    }
    send_due();
  }
}

void Floor::on_completion(const io_uring_cqe& completion) {
  const auto slot = static_cast<std::uint32_t>(completion.user_data);
  switch (static_cast<Operation>(completion.user_data >> 32)) {
    case Operation::kAccept:
      return on_accept(completion.res, (completion.flags & IORING_CQE_F_MORE) != 0);
    case Operation::kReceive:
      return on_message(slot, completion.res);
    case Operation::kInstall:
      CHECK(completion.res == 1);
      close(streams_[slot].fd);
      return submit_next_event(slot);
    case Operation::kSend:
      return on_sent(slot, completion.res);
    case Operation::kNone:
      return;
  }
}

// --- Hand-offs ------------------------------------------------------------------------------------------------------

void Floor::on_accept(int file, bool more) {
  if (!more) submit_accept();
  if (file < 0) return;
  Connection& connection = connections_[static_cast<std::size_t>(file) - streams_.size()];
  connection.data = {connection.payload, sizeof connection.payload};
  connection.message = {};
  connection.message.msg_iov = &connection.data;
  connection.message.msg_iovlen = 1;
  connection.message.msg_control = connection.control;
  connection.message.msg_controllen = sizeof connection.control;
  io_uring_sqe* entry = next_entry(0);
  io_uring_prep_recvmsg(entry, file, &connection.message, MSG_CMSG_CLOEXEC);
  entry->flags |= IOSQE_FIXED_FILE;
  entry->user_data = tag_of(Operation::kReceive, static_cast<std::uint32_t>(file));
}

void Floor::on_message(std::uint32_t file, int result) {
  Connection& connection = connections_[file - streams_.size()];
  const cmsghdr* control = CMSG_FIRSTHDR(&connection.message);
  if (result > 0 && control != nullptr && control->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
    submit_install(fd);
  }
  submit_close_direct(file);
}

void Floor::submit_install(int fd) {
  if (free_.empty()) {
    close(fd);
    return;
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  streams_[slot] = Stream{.fd = fd};
  io_uring_sqe* entry = next_entry(0);
  io_uring_prep_files_update(entry, &streams_[slot].fd, 1, static_cast<int>(slot));
  entry->user_data = tag_of(Operation::kInstall, slot);
}

// --- Streams --------------------------------------------------------------------------------------------------------

void Floor::submit_next_event(std::uint32_t slot) {
  const std::uint32_t number = streams_[slot].sent_events++;
  const std::string_view bytes = number == 0 ? first_ : number == kEvents - 1 ? std::string_view(last_) : kEvent;
  io_uring_sqe* entry = next_entry(0);
  io_uring_prep_send(entry, static_cast<int>(slot), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  entry->flags |= IOSQE_FIXED_FILE;
  entry->user_data = tag_of(Operation::kSend, slot);
  if (delay_ms_ > 0 && streams_[slot].sent_events < kEvents) due_.push_back({now_ms_ + delay_ms_, slot});
}

void Floor::on_sent(std::uint32_t slot, int result) {
  Stream& stream = streams_[slot];
  if (result < 0) stream.gone = 1;
  if (stream.sent_events == kEvents) return close_stream(slot);
  if (delay_ms_ == 0) go_on(slot);
}

void Floor::go_on(std::uint32_t slot) {
  if (streams_[slot].gone != 0) return close_stream(slot);
  submit_next_event(slot);
}

void Floor::close_stream(std::uint32_t slot) {
  submit_close_direct(slot);
  free_.push_back(slot);
}

void Floor::send_due() {
  for (; !due_.empty() && due_.front().at_ms <= now_ms_; due_.pop_front()) go_on(due_.front().slot);
}

// `text` as a number from `least` to `most`; otherwise ends the program with the usage.
std::int64_t number(const char* text, std::int64_t least, std::int64_t most) {
  char* end = nullptr;
  const std::int64_t value = std::strtoll(text, &end, 10);
  if (end == text || *end != '\0' || value < least || value > most) {
    std::fprintf(stderr, "floor: \"%s\" is not a number from %" PRId64 " to %" PRId64 "\n%s", text, least, most,
                 kUsage);
    std::exit(1);
  }
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  std::string socket_path;
  std::int64_t delay_ms = 50;
  std::uint32_t max_connections = 18'000;
  std::size_t loops = 1;
  constexpr option kOptions[] = {{"socket", required_argument, nullptr, 's'},
                                 {"delay", required_argument, nullptr, 'd'},
                                 {"max-connections", required_argument, nullptr, 'm'},
                                 {"loops", required_argument, nullptr, 'l'},
                                 {}};
  for (int given; (given = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    if (given == 's') {
      socket_path = optarg;
    } else if (given == 'd') {
      delay_ms = number(optarg, 0, INT32_MAX);
    } else if (given == 'm') {
      max_connections = static_cast<std::uint32_t>(number(optarg, 1, 1'000'000));
    } else if (given == 'l') {
      loops = static_cast<std::size_t>(number(optarg, 1, 64));
    } else {
      std::fputs(kUsage, stderr);
      return 1;
    }
  }
  if (socket_path.empty() || optind != argc) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  signal(SIGPIPE, SIG_IGN);
  const int listener = listen_on(socket_path);
  std::vector<std::thread> others;
  const auto serve = [=] { Floor(delay_ms, max_connections, listener, loops > 1).run(); };
  while (others.size() < loops - 1) others.emplace_back(serve);
  serve();
}
