// SPDX-License-Identifier: Apache-2.0
// The generator against a daemon that the test controls: one thread that takes clients and answers each.

#include "bench/generator.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/buffer.h"
#include "base/clock.h"
#include "tls/tls_ciphers.h"
#include "tls/tls_connection.h"

namespace streaming::bench {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\n\r\ndata: a\n\ndata: b\n\ndata: [DONE]\n\n";

struct HandedOver {
  UniqueFd client;
  std::string message;
};

HandedOver take_client(int connection) {
  char payload[1024];
  iovec data{payload, sizeof payload};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t length = recvmsg(connection, &message, 0);
  if (length <= 0) return {};
  int client = -1;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) std::memcpy(&client, CMSG_DATA(header), sizeof client);
  return {UniqueFd(client), std::string(payload, static_cast<std::size_t>(length))};
}

class FakeDaemon {
 public:
  using Answer = std::function<void(int connection, int client)>;

  // The backlog is short, so that the generator finds it full.
  FakeDaemon(int type, Answer answer, int backlog = 2)
      : path_("/tmp/generator-test-" + std::to_string(getpid()) + ".sock"), socket_(::socket(AF_UNIX, type, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path_.c_str());
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(socket_.get(), backlog), 0);
    thread_ = std::thread([this, answer = std::move(answer)] { serve(answer); });
  }
  ~FakeDaemon() {
    shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
    unlink(path_.c_str());
  }

  const std::string& path() const { return path_; }
  // Of the client that is being answered; for the answer alone.
  const std::string& message() const { return message_; }

 private:
  void serve(const Answer& answer) {
    for (;;) {
      const UniqueFd connection(accept(socket_.get(), nullptr, nullptr));
      if (!connection) return;
      const HandedOver handed_over = take_client(connection.get());
      message_ = handed_over.message;
      answer(connection.get(), handed_over.client.get());
    }
  }

  std::string path_;
  UniqueFd socket_;
  std::string message_;
  std::thread thread_;
};

FakeDaemon::Answer answer_with(std::string_view text) {
  return [text](int, int client) { EXPECT_EQ(write(client, text.data(), text.size()), ssize_t(text.size())); };
}

Options options_for(const FakeDaemon& daemon) {
  Options options;
  options.socket_path = daemon.path();
  options.connections = 20;
  options.ramp_up = Nanoseconds(0);
  options.stream_timeout = std::chrono::seconds(20);
  return options;
}

std::unique_ptr<Tally> run(const Options& options) {
  auto tally = std::make_unique<Tally>();
  Result<Generator> generator = Generator::create(options, 0, MonotonicClock::now_ns(), *tally);
  EXPECT_TRUE(generator.ok());
  EXPECT_TRUE(generator->run().ok());
  EXPECT_EQ(tally->started.get(), options.connections);
  EXPECT_EQ(tally->open.get(), 0);
  return tally;
}

class EitherType : public testing::TestWithParam<int> {};

TEST_P(EitherType, CompletesAWholeAnswer) {
  FakeDaemon daemon(GetParam(), answer_with(kAnswer));
  const auto tally = run(options_for(daemon));
  EXPECT_EQ(tally->completed.get(), 20);
  EXPECT_EQ(tally->events.get(), 40);
  EXPECT_EQ(tally->bytes.get(), static_cast<std::int64_t>(20 * kAnswer.size()));
  EXPECT_EQ(tally->ttfb_ns.count(), 20u);
}

INSTANTIATE_TEST_SUITE_P(Sockets, EitherType, testing::Values(SOCK_SEQPACKET, SOCK_STREAM));

TEST(Generator, PutsTheNumberOfItsStreamsIntoTheirData) {
  std::vector<std::string> messages;
  FakeDaemon daemon(SOCK_SEQPACKET, [&](int, int client) {
    messages.push_back(daemon.message());
    answer_with(kAnswer)(0, client);
  });
  Options options = options_for(daemon);
  options.connections = 5;
  options.streams_per_number = 2;
  options.data = R"({"answer_id":"a-{number}"})";
  run(options);
  std::sort(messages.begin(), messages.end());
  const std::string zero = R"({"answer_id":"a-0"})", one = R"({"answer_id":"a-1"})", two = R"({"answer_id":"a-2"})";
  EXPECT_EQ(messages, (std::vector<std::string>{zero, zero, one, one, two}));
}

TEST(Generator, PlaysTcpClients) {
  FakeDaemon daemon(SOCK_SEQPACKET, answer_with(kAnswer));
  Options options = options_for(daemon);
  options.client = ClientKind::kTcp;
  EXPECT_EQ(run(options)->completed.get(), 20);
}

// A daemon that seals the answer with the keys of the connection part, and changes what it sends.
std::unique_ptr<Tally> run_tls(const std::function<void(TlsConnection&, TlsCiphers&, Buffer&)>& finish,
                               const std::function<void(std::string&)>& change = [](std::string&) {}) {
  FakeDaemon daemon(SOCK_SEQPACKET, [&](int, int client) {
    const std::string& message = daemon.message();
    const auto part = handoff_protocol::read_connection_part(
        {reinterpret_cast<const std::uint8_t*>(message.data()), message.size()});
    ASSERT_EQ(part.problem, handoff_protocol::ConnectionPartProblem::kNone);
    EXPECT_EQ(message.substr(part.bytes), Options().data);
    TlsConnection connection(*part.connection.tls);
    TlsCiphers ciphers;
    Buffer records;
    for (const std::string_view text : {kAnswer.substr(0, 25), kAnswer.substr(25)}) {
      EXPECT_EQ(connection.seal(ciphers, text, records), TlsConnection::Sealing::kDone);
    }
    finish(connection, ciphers, records);
    std::string sent(records.view());
    change(sent);
    // The generator sees the first part by itself, or not.
    EXPECT_EQ(write(client, sent.data(), 40), 40);
    EXPECT_EQ(write(client, sent.data() + 40, sent.size() - 40), ssize_t(sent.size()) - 40);
  });
  Options options = options_for(daemon);
  options.client = ClientKind::kTls;
  return run(options);
}

void close_notify(TlsConnection& connection, TlsCiphers& ciphers, Buffer& records) {
  EXPECT_EQ(connection.seal_close_notify(ciphers, records), TlsConnection::Sealing::kDone);
}

TEST(Generator, ReadsTheAnswersOfTlsClients) {
  const auto tally = run_tls(close_notify);
  EXPECT_EQ(tally->completed.get(), 20);
  EXPECT_EQ(tally->events.get(), 40);
}

TEST(Generator, CountsTlsClientsWithoutACloseNotifyAsFailed) {
  EXPECT_EQ(run_tls([](TlsConnection&, TlsCiphers&, Buffer&) {})->failed(Failure::kReceive).get(), 20);
}

TEST(Generator, CountsTlsClientsWhoseRecordsCannotBeOpenedAsFailed) {
  const auto tally = run_tls(close_notify, [](std::string& records) { records[60] ^= 1; });
  EXPECT_EQ(tally->failed(Failure::kReceive).get(), 20);
  EXPECT_EQ(tally->completed.get(), 0);
}

TEST(Generator, MeasuresHowLongTheDaemonTakesToCloseAClientThatHasLeft) {
  FakeDaemon daemon(SOCK_SEQPACKET, [](int, int client) {
    EXPECT_EQ(write(client, "HTTP", 4), 4);
    pollfd wait{client, POLLIN, 0};
    EXPECT_EQ(poll(&wait, 1, 10'000), 1);
    char byte;
    EXPECT_EQ(read(client, &byte, 1), 0) << "the client has left";
  });
  Options options = options_for(daemon);
  options.leave_after = std::chrono::milliseconds(1);
  const auto tally = run(options);
  EXPECT_EQ(tally->completed.get(), 20);
  EXPECT_EQ(tally->leave_ns.count(), 20u);
}

TEST(Generator, KeepsToTheStreamsInFlight) {
  FakeDaemon daemon(SOCK_SEQPACKET, answer_with(kAnswer));
  Options options = options_for(daemon);
  options.in_flight = 1;
  EXPECT_EQ(run(options)->completed.get(), 20);
}

TEST(Generator, StartsAllThatAreDueHoweverShortTheRampUp) {
  constexpr int kAll = 20;
  FakeDaemon daemon(SOCK_STREAM, answer_with(kAnswer), kAll);
  Options options = options_for(daemon);
  options.ramp_up = options.hold = Nanoseconds(0);
  EXPECT_EQ(run(options)->completed.get(), kAll);
}

TEST(Generator, TakesAnAnswerThatEndsWithItsConnectionWhereItIsTold) {
  FakeDaemon daemon(SOCK_SEQPACKET, answer_with("HTTP/1.1 200 OK\r\n\r\ndata: a\n\ndata: b\n\n"));
  Options options = options_for(daemon);
  EXPECT_EQ(run(options)->failed(Failure::kReceive).get(), 20);
  options.any_end = true;
  EXPECT_EQ(run(options)->completed.get(), 20);
}

TEST(Generator, ReadsAClientsSocketSlowly) {
  FakeDaemon daemon(SOCK_SEQPACKET, answer_with(kAnswer));
  Options options = options_for(daemon);
  options.slow_bytes_per_s = 1000;
  EXPECT_EQ(run(options)->completed.get(), 20);
}

TEST(Generator, TellsFailuresApart) {
  const auto failures = [](Failure failure, FakeDaemon::Answer answer) {
    FakeDaemon daemon(SOCK_SEQPACKET, std::move(answer));
    return run(options_for(daemon))->failed(failure).get();
  };
  EXPECT_EQ(failures(Failure::kRejected, answer_with("HTTP/1.1 503 Full\r\n\r\n")), 20);
  EXPECT_EQ(failures(Failure::kReceive, answer_with("")), 20);
  EXPECT_EQ(failures(Failure::kReceive, answer_with("HTTP/1.1 200 OK\r\n\r\ndata: a\n\n")), 20);
  EXPECT_EQ(failures(Failure::kReceive, answer_with("HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")), 20);
  EXPECT_EQ(failures(Failure::kReceive, answer_with("HTTP/1.1 500 No\r\n\r\ndata: a\n\ndata: [DONE]\n\n")), 20);
}

TEST(Generator, CountsAStreamThatTakesTooLong) {
  std::vector<UniqueFd> kept;
  FakeDaemon daemon(SOCK_SEQPACKET, [&kept](int, int client) { kept.emplace_back(dup(client)); });
  Options options = options_for(daemon);
  options.stream_timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(run(options)->failed(Failure::kTimeout).get(), 20);
}

TEST(Generator, LeavesEarlyWhereItIsTold) {
  FakeDaemon daemon(SOCK_SEQPACKET, answer_with("HTTP/1.1 200 OK\r\n\r\ndata: a\n\n"));
  Options options = options_for(daemon);
  options.abort_after.events = 1;
  EXPECT_EQ(run(options)->completed.get(), 20);
}

TEST(Generator, WaitsForTheAcknowledgement) {
  Options options;
  {
    FakeDaemon daemon(SOCK_SEQPACKET, [](int connection, int client) {
      EXPECT_EQ(send(connection, "A", 1, 0), 1);
      answer_with(kAnswer)(connection, client);
    });
    options = options_for(daemon);
    options.wait_ack = true;
    EXPECT_EQ(run(options)->completed.get(), 20);
  }
  FakeDaemon daemon(SOCK_SEQPACKET, [](int connection, int client) {
    EXPECT_GT(send(connection, "R{\"status\":503}", 15, 0), 0);
    char end;
    EXPECT_EQ(recv(connection, &end, 1, 0), 0);
    EXPECT_GE(client, 0);
  });
  EXPECT_EQ(run(options)->failed(Failure::kRejected).get(), 20);
}

TEST(Generator, CountsADaemonThatIsNotThere) {
  Options options;
  options.socket_path = "/tmp/nobody-listens-here.sock";
  options.connections = 3;
  options.ramp_up = Nanoseconds(0);
  EXPECT_EQ(run(options)->failed(Failure::kConnect).get(), 3);
}

}  // namespace
}  // namespace streaming::bench
