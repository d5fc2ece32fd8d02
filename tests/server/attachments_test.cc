// SPDX-License-Identifier: Apache-2.0
// Files that a hand-off names, from the disk to the API.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "support/answer_bodies.h"
#include "support/daemon_process.h"
#include "support/raw_server.h"
#include "support/tcp_sockets.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// An API that fails a number of requests, then answers one and keeps its body.
class OneAnswer {
 public:
  explicit OneAnswer(int failures = 0) : failures_(failures) {
    thread_ = std::thread([this] {
      while (failures_-- > 0)
        answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      answer(kAnswer);
    });
  }
  ~OneAnswer() {
    shutdown(listener_.socket.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }

  std::string base() const { return "http://127.0.0.1:" + std::to_string(listener_.port) + "/v1"; }
  const std::string& body() {
    thread_.join();
    return body_;
  }

 private:
  static constexpr std::string_view kAnswer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"seen\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

  void answer(std::string_view reply) {
    const UniqueFd connection(accept(listener_.socket.get(), nullptr, nullptr));
    if (!connection) return;
    std::string request;
    char bytes[65536];
    for (std::size_t wanted = std::string::npos; request.size() < wanted;) {
      const ssize_t got = recv(connection.get(), bytes, sizeof bytes, 0);
      if (got <= 0) return;
      request.append(bytes, static_cast<std::size_t>(got));
      const std::size_t end = request.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      constexpr std::string_view kLength = "Content-Length: ";
      const std::size_t length = request.find(kLength);
      wanted = end + 4 + std::strtoul(request.c_str() + length + kLength.size(), nullptr, 10);
      body_ = request.substr(end + 4);
      if (request.find("100-continue") != std::string::npos && body_.empty()) {
        send(connection.get(), "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
      }
    }
    send(connection.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
  }

  int failures_;
  const TcpListener listener_ = tcp_listener();
  std::string body_;
  std::thread thread_;
};

class AttachmentsEndToEnd : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& contents) const {
    std::ofstream(directory.file(name)) << contents;
  }
  std::vector<std::string> flags(const std::string& base, const std::string& more = "") const {
    std::ofstream(config) << "[attachments]\ndata_dir = \"" << directory.file("") << "\"\n" << more;
    return {"--backend", "openai", "--openai-base", base, "--config", config};
  }

  TemporaryDirectory directory, settings;
  const std::string config = settings.file("config.toml");
};

TEST_F(AttachmentsEndToEnd, GoToTheApiAndAreRemoved) {
  const std::string image = std::string("\x89PNG\r\n\x1A\n", 8) + std::string(300'000, 'p');
  write("a.txt", "the text");
  write("b.png", image);
  OneAnswer api;
  DaemonProcess daemon(flags(api.base(), "delete_after_use = true\n"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::size_t before = daemon.descriptors();
  const std::string answer = read_to_end(
      daemon.hand_client_over(R"({"prompt":"Read {a.txt}.","attachments":["a.txt"],"images":["b.png"]})").get());
  EXPECT_THAT(answer, HasSubstr("data: {\"content\":\"seen\"}\n\n"));
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
  const std::string& body = api.body();
  EXPECT_THAT(body.substr(0, 400), HasSubstr("{\"type\":\"text\",\"text\":\"Read the text.\"}"));
  EXPECT_THAT(body.substr(0, 400),
              HasSubstr("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,"));
  EXPECT_GT(body.size(), 400'000u);
  EXPECT_TRUE(eventually([&] {
    return !std::filesystem::exists(directory.file("a.txt")) && !std::filesystem::exists(directory.file("b.png"));
  }));
  EXPECT_TRUE(eventually([&] { return daemon.descriptors() <= before; }));
  EXPECT_EQ(daemon.stop(), 0);
}

// The first API is unreachable, and the second fails once.
TEST_F(AttachmentsEndToEnd, AreThereAtTheLastTryAndThenRemoved) {
  write("a.txt", "the text");
  OneAnswer api(1);
  DaemonProcess daemon(flags(api.base(),
                             "delete_after_use = true\n[backend]\nfallback = [\"openai\"]\nretries = 1\n"
                             "[backend.anthropic]\napi_base = \"http://127.0.0.1:1\"\n"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string answer = read_to_end(
      daemon.hand_client_over(R"({"backend":"anthropic","prompt":"Read {a.txt}.","attachments":["a.txt"]})").get());
  EXPECT_THAT(answer, EndsWith("data: {\"content\":\"seen\"}\n\ndata: [DONE]\n\n"));
  EXPECT_THAT(api.body(), HasSubstr("Read the text."));
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(directory.file("a.txt")); }));
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.log(), testing::Not(HasSubstr("cannot be removed"))) << "only once";
}

TEST_F(AttachmentsEndToEnd, StayWhereNoApiAnswers) {
  write("a.txt", "the text");
  DaemonProcess daemon(flags("http://127.0.0.1:1/v1", "delete_after_use = true\n"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  for (int i = 0; i < 2; ++i) {
    const std::string answer = read_to_end(daemon.hand_client_over(R"({"attachments":["a.txt"]})").get());
    EXPECT_THAT(answer,
                EndsWith("data: {\"error\":\"The model cannot be reached.\",\"code\":\"upstream_unreachable\"}\n\n"));
  }
  EXPECT_TRUE(std::filesystem::exists(directory.file("a.txt")));
}

TEST_F(AttachmentsEndToEnd, GoToLangGraphToo) {
  write("a.txt", "the text");
  write("b.png", std::string("\x89PNG\r\n\x1A\n", 8));
  OneAnswer api;
  DaemonProcess daemon(
      flags("http://127.0.0.1:1", "delete_after_use = true\n[backend.langgraph]\napi_base = \"" + api.base() + "\"\n"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  read_to_end(daemon
                  .hand_client_over(R"({"backend":"langgraph","prompt":"Read {a.txt}.","system":"s",)"
                                    R"("attachments":["a.txt"],"images":["b.png"],"langgraph_input":{"shop":7}})")
                  .get());
  EXPECT_THAT(api.body(), HasSubstr(R"("input":{"messages":[{"role":"system","content":"s"},{"role":"user","content":[)"
                                    R"({"type":"text","text":"Read the text."},{"type":"image_url","image_url":)"
                                    R"({"url":"data:image/png;base64,iVBORw0KGgo="}}]}],"shop":7})"));
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(directory.file("a.txt")); }));
}

TEST_F(AttachmentsEndToEnd, WhatCannotBeUsedIsSaidByItsNameBeforeTheFirstEvent) {
  write("large.txt", std::string(2000, 'x'));
  write("secret", "secret");
  std::filesystem::create_symlink("secret", directory.file("link"));
  DaemonProcess daemon(flags("http://127.0.0.1:1/v1", "max_file_bytes = 1000\n[response]\nearly_head = false\n"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const auto answer_to = [&](const std::string& name) {
    return read_to_end(daemon.hand_client_over("{\"attachments\":[\"" + name + "\"]}").get());
  };
  for (const auto& [name, message] :
       {std::pair("missing", "is not there"), std::pair("large.txt", "is too large"),
        std::pair("link", "is not beneath data_dir"), std::pair("../secret", "is not beneath data_dir"),
        std::pair(".", "is no file")}) {
    const std::string answer = answer_to(name);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << name;
    EXPECT_THAT(answer, HasSubstr("attachment \\\"" + std::string(name) + "\\\" " + message));
    EXPECT_THAT(answer, testing::Not(HasSubstr(directory.file(""))));
  }
  EXPECT_THAT(answer_to("/etc/passwd"), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(daemon.stop(), 0);
}

// A server that gives the same answer to every request, and keeps the last request.
class Recorder {
 public:
  explicit Recorder(const std::string& answer)
      : server_([this, answer](int connection, const std::string& request) {
          {
            const std::lock_guard lock(mutex_);
            last_ = request;
          }
          RawServer::write(connection, answer);
        }) {}

  std::string origin() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  std::string last_request() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  std::mutex mutex_;
  std::string last_;
  RawServer server_;
};

const std::string kEventStream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

TEST_F(AttachmentsEndToEnd, GoToTheNextApiToo) {
  write("a.txt", "the text");
  write("b.png", std::string("\x89PNG\r\n\x1A\n", 8) + std::string(50'000, 'p'));
  Recorder first("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
  Recorder second(kEventStream + kMessagesBody);
  std::vector<std::string> all = flags(first.origin() + "/v1", "delete_after_use = true\n");
  all.insert(all.end(), {"--fallback", "anthropic", "--anthropic-base", second.origin()});
  DaemonProcess daemon(all);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string answer = read_to_end(
      daemon.hand_client_over(R"({"prompt":"Read {a.txt}.","attachments":["a.txt"],"images":["b.png"]})").get());
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
  EXPECT_THAT(first.last_request(), HasSubstr(R"({"type":"image_url","image_url":{"url":"data:image/png;base64,)"));
  EXPECT_THAT(second.last_request(), HasSubstr("Read the text."));
  EXPECT_THAT(second.last_request(),
              HasSubstr(R"("source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgpwcHBw)"));
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(directory.file("a.txt")); }));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(AttachmentsEndToEnd, GoIntoTheInputOfARun) {
  write("a.txt", "the text");
  write("b.png", std::string("\x89PNG\r\n\x1A\n", 8) + std::string(50'000, 'p'));
  Recorder api(kEventStream + kRunBody);
  std::vector<std::string> all = flags("http://127.0.0.1:1");
  all.insert(all.end(), {"--backend", "langgraph", "--langgraph-base", api.origin()});
  DaemonProcess daemon(all);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string answer = read_to_end(
      daemon.hand_client_over(R"({"prompt":"Read {a.txt}.","attachments":["a.txt"],"images":["b.png"]})").get());
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
  EXPECT_THAT(api.last_request(), HasSubstr("Read the text."));
  EXPECT_THAT(api.last_request(), HasSubstr(R"({"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw)"));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(AttachmentsEndToEnd, RefusesAttachmentsIfNoneAreAllowed) {
  DaemonProcess daemon({});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(read_to_end(daemon.hand_client_over(R"({"images":["a.png"]})").get()), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AttachmentsEndToEnd, TheDirectoryMustBeThereAtTheStart) {
  DaemonProcess daemon({"--data-dir", directory.file("nonexistent")});
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("--data-dir must be empty or a directory, not "));
}

}  // namespace
}  // namespace streaming
