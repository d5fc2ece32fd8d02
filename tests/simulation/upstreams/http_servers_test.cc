// SPDX-License-Identifier: Apache-2.0
// The simulated servers by themselves, with clients in memory.

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <string>

#include "simulation/upstreams/http1_server.h"
#include "simulation/upstreams/http2_server.h"

namespace streaming::simulation {
namespace {

constexpr ServerManners kCalm{.cuts = 0, .stalls = 0, .slow = 2, .early = 0, .dead = 0, .mischief = 0};
constexpr ServerManners kWild{.cuts = 2, .stalls = 4, .slow = 2, .early = 3, .dead = 4, .mischief = 1};

struct TestSchedule final : Schedule {
  Time now() const override { return time; }
  void after(Duration delay, std::function<void()> work) override { works.emplace(time + delay, std::move(work)); }
  bool run_next() {
    if (works.empty()) return false;
    time = works.begin()->first;
    const auto work = std::move(works.extract(works.begin()).mapped());
    work();
    return true;
  }

  Time time{};
  std::multimap<Time, std::function<void()>> works;
};

struct TestConnection final : Connection {
  void send(std::string_view bytes) override { sent += bytes; }
  void shutdown_write() override { over = true; }
  void close() override { over = true; }
  void reset() override { over = true; }
  void set_reading(bool) override {}

  std::string sent;
  bool over = false;
};

// Answers with what it was sent, and counts what it hears of its answers.
struct EchoService final : HttpService, ReplyWatcher {
  Reply reply(const ServedRequest& request) override {
    ++requests;
    return {.headers = {{"x-path", request.path}}, .body = request.body, .watcher = this};
  }
  void on_head_sent() override {}
  void on_body_sent(std::size_t bytes) override { sent += bytes; }
  void on_whole() override { ++whole; }
  void on_broken(bool) override { ++broken; }
  void on_refused() override { ++refused; }

  int requests = 0, whole = 0, broken = 0, refused = 0;
  std::size_t sent = 0;
};

const std::string kQuestion(3000, 'q');

std::string http1_request() {
  return "POST /v1/x HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: 3000\r\n\r\n" + kQuestion;
}

TEST(SimulatedHttp1Server, AnswersEachRequestOfAConnection) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    TestSchedule schedule;
    TestConnection connection;
    EchoService service;
    Http1Server server(service, schedule, kCalm, Random(seed));
    server.on_open(connection);
    while (schedule.run_next()) {
    }
    int asked = 0;
    for (; asked < 3 && !connection.over; ++asked) {
      const std::string request = http1_request();
      server.on_bytes(request.substr(0, 70));
      server.on_bytes(request.substr(70));
      while (schedule.run_next()) {
      }
    }
    server.on_closed(false);
    EXPECT_EQ(service.whole, asked) << seed;
    EXPECT_EQ(service.sent, kQuestion.size() * static_cast<std::size_t>(asked)) << seed;
    EXPECT_EQ(service.broken, 0) << seed;
  }
}

TEST(SimulatedHttp1Server, ReportsAnEndOfEachAnswer) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    TestSchedule schedule;
    TestConnection connection;
    EchoService service;
    Http1Server server(service, schedule, kWild, Random(seed));
    server.on_open(connection);
    server.on_bytes(http1_request());
    while (schedule.run_next()) {
    }
    server.on_closed(false);
    EXPECT_EQ(service.whole + service.broken >= service.requests, true) << seed;
  }
}

// A client in memory.
class Http2Asker {
 public:
  Http2Asker() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t length,
                      void* self) {
          static_cast<Http2Asker*>(self)->bodies[id].append(reinterpret_cast<const char*>(bytes), length);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
          static_cast<Http2Asker*>(self)->closed[id] = code;
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  Http2Asker(const Http2Asker&) = delete;
  Http2Asker& operator=(const Http2Asker&) = delete;
  ~Http2Asker() { nghttp2_session_del(session_); }

  void ask() {
    const auto field = [](std::string_view name, std::string_view value) {
      return nghttp2_nv{reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                        NGHTTP2_NV_FLAG_NONE};
    };
    const nghttp2_nv head[] = {field(":method", "POST"), field(":scheme", "http"), field(":path", "/v1/x"),
                               field(":authority", "10.0.0.1")};
    nghttp2_data_provider body{};
    body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* room, std::size_t size,
                            std::uint32_t* flags, nghttp2_data_source*, void* self) -> ssize_t {
      std::size_t& sent = static_cast<Http2Asker*>(self)->asked_[id];
      const std::size_t count = kQuestion.copy(reinterpret_cast<char*>(room), size, sent);
      sent += count;
      if (sent == kQuestion.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(count);
    };
    nghttp2_submit_request(session_, nullptr, head, std::size(head), &body, nullptr);
  }
  // All that the two have to say to each other now.
  void exchange(Http2Server& server, TestConnection& connection) {
    for (;;) {
      const std::string from_server = std::exchange(connection.sent, {});
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(from_server.data()), from_server.size());
      std::string to_server;
      const std::uint8_t* frame = nullptr;
      for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &frame)) > 0;) {
        to_server.append(reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size));
      }
      if (from_server.empty() && to_server.empty()) return;
      if (!connection.over) server.on_bytes(to_server);
    }
  }

  std::map<std::int32_t, std::string> bodies;
  std::map<std::int32_t, std::uint32_t> closed;

 private:
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::size_t> asked_;
};

EchoService ask_over_http2(const ServerManners& manners, std::uint64_t seed, Http2Asker& asker) {
  TestSchedule schedule;
  TestConnection connection;
  EchoService service;
  Http2Server server(service, schedule, manners, Random(seed));
  server.on_open(connection);
  asker.exchange(server, connection);
  for (int i = 0; i < 3; ++i) asker.ask();
  asker.exchange(server, connection);
  while (!connection.over && schedule.run_next()) asker.exchange(server, connection);
  server.on_closed(false);
  return service;
}

TEST(SimulatedHttp2Server, AnswersEachRequestOfAConnection) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Http2Asker asker;
    ask_over_http2(kCalm, seed, asker);
    for (const std::int32_t id : {1, 3, 5}) {
      EXPECT_EQ(asker.bodies[id], kQuestion) << seed;
      EXPECT_EQ(asker.closed[id], static_cast<std::uint32_t>(NGHTTP2_NO_ERROR)) << seed;
    }
  }
}

TEST(SimulatedHttp2Server, ReportsAnEndOfEachAnswer) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Http2Asker asker;
    const EchoService service = ask_over_http2(kWild, seed, asker);
    EXPECT_EQ(service.whole + service.broken, service.requests) << seed;
  }
}

}  // namespace
}  // namespace streaming::simulation
