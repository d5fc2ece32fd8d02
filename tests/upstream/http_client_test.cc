// SPDX-License-Identifier: Apache-2.0
// The HttpClient of each engine, against a real server of its protocol.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>

#include "support/http_client_loop.h"
#include "support/scripted_server.h"
#include "support/test_certificate.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

class HttpClientTest : public testing::TestWithParam<HttpEngine> {
 protected:
  std::unique_ptr<ScriptedServer> serve(ScriptedServer::Script script) const {
    return ScriptedServer::start(GetParam(), certificate, std::move(script));
  }
  std::unique_ptr<HttpTransfer> post(const std::string& url, HttpReceiver& to, std::string body = "{}",
                                     HeldBytes held = {}) {
    constexpr HttpVersion kVersions[] = {HttpVersion::kHttp11, HttpVersion::kHttp2PriorKnowledge,
                                         HttpVersion::kNegotiated};
    return loop.client->start(HttpRequest{.url = url,
                                          .headers = {"X-Custom: 1"},
                                          .body = std::move(body),
                                          .version = kVersions[static_cast<int>(GetParam())],
                                          .ca_file = certificate.certificate(),
                                          .held = std::move(held)},
                              to);
  }
  void post(const std::string& url, std::string body = "{}") {
    receiver.transfer = post(url, receiver, std::move(body));
  }
  void run_until(const std::function<bool()>& condition) { loop.run_until(condition); }

  TestCertificate certificate;
  HttpClientLoop loop;
  RecordingReceiver receiver;
};

TEST_P(HttpClientTest, PostsAndHandsTheAnswerOutAsItComes) {
  std::mutex mutex;
  std::string request;
  std::atomic<bool> first_came{false};
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string& got) {
    const std::lock_guard lock(mutex);
    request = got;
    answer.head(200, {{"content-type", "text/event-stream"}});
    answer.send("hello");
    answer.send(" world");
    answer.end();
  });
  post(server->url(), "{\"a\":1}");
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 200);
  EXPECT_EQ(receiver.content_type, "text/event-stream");
  EXPECT_EQ(receiver.body, "hello world");
  EXPECT_EQ(receiver.error, "");
  const std::lock_guard lock(mutex);
  EXPECT_THAT(request, testing::AnyOf(testing::StartsWith("post /v1?a=b http/1.1\r\n"),
                                      testing::HasSubstr(":path: /v1?a=b\r\n")));
  EXPECT_THAT(request, testing::HasSubstr("\r\nx-custom: 1\r\n"));
  EXPECT_THAT(request, testing::HasSubstr("content-length: 7\r\n"));
  EXPECT_THAT(request, testing::EndsWith("\r\n\r\n{\"a\":1}"));
}

TEST_P(HttpClientTest, SendsALargeBodyWithoutAskingForLeave) {
  std::atomic<std::size_t> size{0};
  std::atomic<bool> asked{false};
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string& got) {
    size = got.size();
    asked = got.substr(0, 500).find("expect:") != std::string::npos;
    answer.head(200);
    answer.end();
  });
  post(server->url(), std::string(2 << 20, 'x'));
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  EXPECT_EQ(receiver.status, 200);
  EXPECT_GT(size, std::size_t{2} << 20);
  EXPECT_FALSE(asked);
}

TEST_P(HttpClientTest, HandsOutTheFinalHeadWithWhatSaysWhereAndWhen) {
  const auto server = serve([](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(103, {{"retry-after", "1"}});
    answer.head(429, {{"retry-after", "7"}, {"content-location", "/threads/t/runs/r"}});
    answer.end();
  });
  post(server->url());
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 429);
  EXPECT_EQ(receiver.retry_after, "7");
  EXPECT_EQ(receiver.content_location, "/threads/t/runs/r");
  EXPECT_EQ(receiver.content_type, "");
  EXPECT_EQ(receiver.body, "");
}

TEST_P(HttpClientTest, KeepsTheBodyUntilTheAnswerBeginsOrTheRequestIsCancelled) {
  const std::string body(300'000, 'x');
  std::promise<void> may_end;
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    may_end.get_future().wait();
    answer.end();
  });
  ByteBudget budget(1'000'000);
  const HeldBytes share(budget);
  receiver.transfer = post(server->url(), receiver, body, share.another(body.size()));
  EXPECT_EQ(budget.held(), body.size());
  run_until([&] { return receiver.status != 0; });
  EXPECT_EQ(budget.held(), 0u);
  may_end.set_value();
  run_until([&] { return receiver.finished; });

  RecordingReceiver other;
  other.transfer = post("http://127.0.0.1:1/", other, body, share.another(body.size()));
  EXPECT_EQ(budget.held(), body.size());
  other.transfer.reset();
  run_until([&] { return budget.held() == 0; });
}

TEST_P(HttpClientTest, FollowsARedirectOfTheSameServerWithTheSameBody) {
  const std::string body(300'000, 'x');
  std::atomic<bool> same_body{false};
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string& got) {
    if (got.find("/moved") == std::string::npos) {
      answer.head(307, {{"location", "/moved"}});
      answer.send("look there");
    } else {
      same_body = got.ends_with("\r\n\r\n" + body);
      answer.head(200);
      answer.send("here");
    }
    answer.end();
  });
  post(server->url(), body);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 200);
  EXPECT_EQ(receiver.body, "here");
  EXPECT_EQ(receiver.error, "");
  EXPECT_TRUE(same_body);
  EXPECT_EQ(server->requests(), 2);
}

TEST_P(HttpClientTest, FollowsNoRedirectElsewhereAndNotForEver) {
  std::atomic<bool> elsewhere{true};
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(308, {{"location", elsewhere ? "https://other.example/" : "/again"}});
    answer.end();
  });
  post(server->url());
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 308);
  EXPECT_EQ(server->requests(), 1);
  elsewhere = false;
  receiver = RecordingReceiver{};
  post(server->url());
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 308);
  EXPECT_EQ(server->requests(), 2 + kMaxRedirects);
}

TEST_P(HttpClientTest, HandsOutTheHeadOfABodyThatDoesNotCome) {
  const auto server = serve([](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(100);
    answer.head(200, {{"content-location", "/threads/t/runs/r"}});
    answer.wait_for_cancel();
  });
  post(server->url());
  run_until([&] { return receiver.status == 200; });
  EXPECT_EQ(receiver.content_location, "/threads/t/runs/r");
  receiver.transfer.reset();
  run_until([&] { return server->cancels == 1; });
}

TEST_P(HttpClientTest, SaysWhyItCannotConnect) {
  const std::string url = serve([](ScriptedServer::Answer&, const std::string&) {})->url();
  post(url);
  EXPECT_FALSE(receiver.finished) << "not from within start()";
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, testing::AnyOf(testing::HasSubstr("Connection refused"), testing::HasSubstr("connect")));
  EXPECT_EQ(receiver.status, 0);
}

TEST_P(HttpClientTest, SaysWhyItDoesNotKnowAHost) {
  const std::string scheme = GetParam() == HttpEngine::kHttp2OverTls ? "https" : "http";
  post(scheme + "://no-such-host.invalid/v1");
  run_until([&] { return receiver.finished; });
  EXPECT_NE(receiver.error, "");
}

TEST_P(HttpClientTest, SeesABodyThatIsCutOff) {
  const auto server = serve([](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.send("only this");
    answer.break_off();
  });
  post(server->url());
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.body, testing::AnyOf("only this", ""));
  EXPECT_NE(receiver.error, "");
}

TEST_P(HttpClientTest, AsksOnceIfAUsedConnectionIsLostWithTheRequest) {
  std::atomic<int> asked{0};
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    if (++asked > 1) return answer.break_off();
    answer.head(200);
    answer.end();
  });
  post(server->url());
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  RecordingReceiver second;
  second.transfer = post(server->url(), second);
  run_until([&] { return second.finished; });
  EXPECT_EQ(second.status, 0);
  EXPECT_NE(second.error, "");
  EXPECT_EQ(server->connections(), 1);
  EXPECT_EQ(asked, 2);
}

TEST_P(HttpClientTest, LetsTheServerKnowAtOnceWhenTheRequestIsCancelled) {
  const auto server = serve([](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.send("hello");
    answer.wait_for_cancel();
  });
  receiver.on_body_hook = [&] { receiver.transfer.reset(); };
  post(server->url());
  run_until([&] { return server->cancels == 1; });
  EXPECT_EQ(receiver.body, "hello");
  EXPECT_FALSE(receiver.finished) << "a cancelled receiver is not called again";
}

TEST_P(HttpClientTest, CancelsARequestFromWithinItsHead) {
  const auto server = serve([](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200, {{"content-type", "text/event-stream"}});
    answer.send("hello");
    answer.wait_for_cancel();
  });
  receiver.on_head_hook = [&] { receiver.transfer.reset(); };
  post(server->url());
  run_until([&] { return server->cancels == 1; });
  EXPECT_EQ(receiver.status, 200);
  EXPECT_EQ(receiver.body, "");
  EXPECT_FALSE(receiver.finished);
}

TEST_P(HttpClientTest, ForgetsARequestThatIsCancelledBeforeItWasSent) {
  const auto server = serve([](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.end();
  });
  RecordingReceiver other;
  other.transfer = post(server->url(), other);
  other.transfer.reset();
  post(server->url());
  run_until([&] { return receiver.finished; });
  other.transfer = post(server->url(), other);  // on the connection that is already open
  other.transfer.reset();
  receiver.finished = false;
  receiver.status = 0;
  post(server->url());
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  EXPECT_FALSE(other.finished);
}

TEST_P(HttpClientTest, HoldsTheBodyBackWhilePausedAndLosesNothing) {
  const std::string large(4 << 20, 'y');
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.send(large);
    answer.end();
  });
  bool paused_once = false;
  receiver.on_body_hook = [&] {
    if (!std::exchange(paused_once, true)) receiver.transfer->pause();
  };
  post(server->url());
  run_until([&] { return paused_once; });
  const std::size_t when_paused = receiver.body.size();
  for (int i = 0; i < 20; ++i) loop.turn(Duration(5));
  EXPECT_EQ(receiver.body.size(), when_paused);
  receiver.transfer->resume();
  EXPECT_EQ(receiver.body.size(), when_paused) << "not from within resume()";
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body.size(), large.size());
  EXPECT_EQ(receiver.error, "");
}

TEST_P(HttpClientTest, FinishesAPausedAnswerWhenItIsResumed) {
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.send("all");
    answer.end();
  });
  post(server->url());
  receiver.transfer->pause();
  run_until([&] { return receiver.status == 200 || server->connections() == 1; });
  for (int i = 0; i < 20; ++i) loop.turn(Duration(5));
  EXPECT_EQ(receiver.body, "");
  EXPECT_FALSE(receiver.finished);
  receiver.transfer->resume();
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body, "all");
  EXPECT_EQ(receiver.error, "");
}

TEST_P(HttpClientTest, StartsRequestsFromWithinCallsToReceivers) {
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.send("ok");
    answer.end();
  });
  RecordingReceiver from_body, from_end;
  receiver.on_body_hook = [&] { from_body.transfer = post(server->url(), from_body); };
  receiver.on_finished_hook = [&] { from_end.transfer = post(server->url(), from_end); };
  post(server->url());
  run_until([&] { return from_body.finished && from_end.finished; });
  EXPECT_EQ(from_body.body, "ok");
  EXPECT_EQ(from_end.body, "ok");
}

TEST_P(HttpClientTest, UsesAConnectionAgainWhoseAnswerHasSaidAllThatMatters) {
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.send("enough");
    answer.end();
  });
  for (int i = 0; i < 3; ++i) {
    receiver.body.clear();
    receiver.status = 0;
    receiver.on_body_hook = [&] {
      receiver.transfer->let_finish();
      receiver.transfer.reset();
    };
    post(server->url());
    run_until([&] { return receiver.body == "enough"; });
    run_until([&] { return !loop.client->finishing(); });
  }
  EXPECT_EQ(server->connections(), 1);
  EXPECT_FALSE(receiver.finished) << "nobody waits for the rest";
  EXPECT_EQ(server->cancels, 0);
  loop.client.reset();  // closes the connection
}

TEST_P(HttpClientTest, LosesPatienceWithAnAnswerThatDoesNotEnd) {
  const auto server = serve([&](ScriptedServer::Answer& answer, const std::string&) {
    answer.head(200);
    answer.send("enough");
    answer.wait_for_cancel();
  });
  post(server->url());
  run_until([&] { return receiver.body == "enough"; });
  receiver.transfer->let_finish();
  receiver.transfer.reset();
  EXPECT_EQ(server->cancels, 0);
  loop.skip(kUnreadTimeout);
  run_until([&] { return server->cancels == 1; });
}

INSTANTIATE_TEST_SUITE_P(Over, HttpClientTest, testing::Values(HttpEngine::kHttp1, HttpEngine::kHttp2, HttpEngine::kHttp2OverTls),
                         engine_name);

}  // namespace
}  // namespace streaming
