// SPDX-License-Identifier: Apache-2.0
// The engine for HTTP/2, beyond the tests of all engines: connections, refusals, windows, and TLS.

#include "upstream/http2_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "support/http2_server.h"
#include "support/http_client_loop.h"
#include "support/raw_server.h"
#include "support/test_certificate.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

using testing::HasSubstr;

class Http2ClientTest : public testing::Test {
 protected:
  Http2Server::Options tls(std::uint32_t max_streams = 100) const {
    return {.key = certificate.key(), .certificate = certificate.certificate(), .max_streams = max_streams};
  }
  void post(const Http2Server& server, RecordingReceiver& to) { post(server.url(), to); }
  void post(const std::string& url, RecordingReceiver& to) {
    to.transfer = loop.client->start(HttpRequest{.url = url,
                                                 .headers = {},
                                                 .body = "{}",
                                                 .version = HttpVersion::kNegotiated,
                                                 .ca_file = certificate.certificate()},
                                     to);
  }
  void run_until(const std::function<bool()>& condition) { loop.run_until(condition); }
  bool all_finished() const {
    return std::all_of(receivers.begin(), receivers.end(), [](const auto& each) { return each.finished; });
  }

  TestCertificate certificate;
  HttpClientLoop loop;
  RecordingReceiver receiver;
  std::deque<RecordingReceiver> receivers;
};

// --- Connections ----------------------------------------------------------------------------------------------------

TEST_F(Http2ClientTest, OpensAsManyConnectionsAsTheServersLimitOfStreamsAsksFor) {
  std::vector<Http2Server::Request> requests;
  Http2Server server(tls(10), [&](Http2Server& self, const Http2Server::Request& request) {
    requests.push_back(request);
    if (requests.size() < 35) return;
    for (const Http2Server::Request& each : requests) self.answer(each, "ok");
  });
  receivers.resize(35);
  for (RecordingReceiver& each : receivers) post(server, each);
  run_until([&] { return all_finished(); });
  for (const RecordingReceiver& each : receivers) EXPECT_EQ(each.body, "ok") << each.error;
  EXPECT_GE(server.connections, 4u);
  EXPECT_LE(server.most_streams, 10u);
  const std::uint64_t connections = server.connections;
  EXPECT_EQ(server.requests, 35u) << "none was refused";
  // Later requests use the existing connections.
  for (RecordingReceiver& each : receivers) {
    each = RecordingReceiver{};
    post(server, each);
  }
  run_until([&] { return all_finished(); });
  EXPECT_EQ(server.connections, connections);
}

TEST_F(Http2ClientTest, OpensOneConnectionForRequestsThatComeTogether) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) { self.answer(request, "ok"); });
  receivers.resize(50);
  for (RecordingReceiver& each : receivers) post(server, each);
  run_until([&] { return all_finished(); });
  EXPECT_EQ(server.connections, 1u);
}

TEST_F(Http2ClientTest, LetsAConnectionGoThatTheServerIsAboutToClose) {
  Http2Server server(tls(), [&](Http2Server& self, const Http2Server::Request& request) {
    self.respond(request, 200);
    if (request.connection == 1) self.go_away(1, request.stream);
    self.send(request, "ok");
    if (request.connection == 2) self.end(request);
    if (request.connection == 2) self.end({.connection = 1, .stream = 1, .headers = {}, .body = {}});
  });
  post(server, receiver);
  run_until([&] { return receiver.body == "ok"; });
  receivers.resize(1);
  post(server, receivers[0]);
  run_until([&] { return all_finished() && receiver.finished; });
  EXPECT_EQ(receiver.error, "") << "its stream was begun with, and goes on";
  EXPECT_EQ(receivers[0].error, "");
  EXPECT_EQ(server.connections, 2u);
  run_until([&] { return server.closed_connections == 1 && loop.client->http2_connections() == 1; });
}

TEST_F(Http2ClientTest, ResumesTheLastTlsSession) {
  Http2Server server(tls(), [&](Http2Server& self, const Http2Server::Request& request) {
    self.answer(request, "ok");
    self.go_away(request.connection, request.stream);
  });
  for (std::uint64_t i = 1; i <= 3; ++i) {
    receiver = RecordingReceiver{};
    post(server, receiver);
    run_until([&] { return receiver.finished && loop.client->http2_connections() == 0; });
    EXPECT_EQ(receiver.error, "");
    EXPECT_EQ(server.resumed_connections, i - 1);
  }
}

TEST_F(Http2ClientTest, PingsASilentConnectionAndKeepsTheOneThatAnswers) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) { self.answer(request, "ok"); });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  loop.skip(kUpstreamPingInterval);
  run_until([&] { return server.pings == 1; });
  for (int i = 0; i < 10; ++i) loop.turn(Duration(5));
  loop.skip(kUpstreamPingTimeout);
  EXPECT_EQ(loop.client->http2_connections(), 1u);
}

TEST_F(Http2ClientTest, FailsTheStreamsOfAConnectionThatDoesNotAnswerAPing) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    self.respond(request, 200);
    self.answers_pings = false;
  });
  post(server, receiver);
  run_until([&] { return receiver.status == 200 && !server.answers_pings; });
  loop.skip(kUpstreamPingInterval);
  for (int i = 0; i < 3; ++i) loop.turn(Duration(5));
  EXPECT_FALSE(receiver.finished);
  loop.skip(kUpstreamPingTimeout);
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, HasSubstr("ping"));
}

TEST_F(Http2ClientTest, ClosesAConnectionThatHasHadNothingToDoForLong) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) { self.answer(request, "ok"); });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(loop.client->http2_connections(), 1u);
  loop.skip(kUpstreamIdleTimeout);
  run_until([&] { return server.closed_connections == 1 && loop.client->http2_connections() == 0; });
}

// --- Refusals and resets --------------------------------------------------------------------------------------------

TEST_F(Http2ClientTest, AsksARefusedRequestAgainOnAnotherConnection) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    if (request.connection == 1) return self.reset(request, NGHTTP2_REFUSED_STREAM);
    self.answer(request, request.body);
  });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  EXPECT_EQ(receiver.body, "{}") << "the body went along again";
  EXPECT_EQ(server.connections, 2u);
}

TEST_F(Http2ClientTest, AsksAgainWhatAGoAwaySaysWasNotBegunWith) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    if (request.connection == 1) return self.go_away(1, 0);
    self.answer(request, "ok");
  });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  EXPECT_EQ(receiver.body, "ok");
}

TEST_F(Http2ClientTest, GivesUpARequestThatIsRefusedEverywhere) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    self.reset(request, NGHTTP2_REFUSED_STREAM);
  });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, HasSubstr("refuses"));
  EXPECT_EQ(server.requests, static_cast<std::uint64_t>(kMaxRequestRefusals));
}

// As nginx does after its keepalive_requests.
TEST_F(Http2ClientTest, AsksEachOfManyRequestsAgainUntilAConnectionOfFewRequestsTakesIt) {
  constexpr std::uint64_t kRequests = 3 * kMaxRequestRefusals;
  std::uint64_t last_connection = 0;
  Http2Server server(tls(), [&](Http2Server& self, const Http2Server::Request& request) {
    if (std::exchange(last_connection, request.connection) == request.connection) return;
    self.go_away(request.connection, request.stream);
    self.answer(request, "ok");
  });
  receivers.resize(kRequests);
  for (RecordingReceiver& each : receivers) post(server, each);
  run_until([&] { return all_finished(); });
  for (const RecordingReceiver& each : receivers) EXPECT_EQ(each.body, "ok") << each.error;
  EXPECT_LE(server.connections, kRequests);
}

TEST_F(Http2ClientTest, TellsOfAResetInMidBodyAndNeverAsksAgain) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    self.respond(request, 200);
    self.send(request, "half");
    self.after(std::chrono::milliseconds(20), [&self, request] { self.reset(request, NGHTTP2_REFUSED_STREAM); });
  });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body, "half");
  EXPECT_THAT(receiver.error, HasSubstr("REFUSED_STREAM"));
  EXPECT_EQ(server.requests, 1u);
}

TEST_F(Http2ClientTest, TakesAnAnswerThatIsWholeThoughTheServerDoesNotReadTheRequestToItsEnd) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    self.respond(request, 413);
    self.end(request);
    self.reset(request, NGHTTP2_NO_ERROR);
  });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 413);
}

TEST_F(Http2ClientTest, FailsARequestWhoseHeadIsTooLargeAndKeepsTheConnection) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) { self.answer(request, "ok"); });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  receiver = RecordingReceiver{};
  receiver.transfer = loop.client->start(HttpRequest{.url = server.url(),
                                                     .headers = {"x-large: " + std::string(70'000, 'x')},
                                                     .body = "{}",
                                                     .ca_file = certificate.certificate()},
                                         receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, HasSubstr("head is too large"));
  receiver = RecordingReceiver{};
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body, "ok");
  EXPECT_EQ(server.connections, 1u);
}

// Also without close_notify: a body without its end is never complete.
TEST_F(Http2ClientTest, TellsOfAServerThatIsGoneInMidStream) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    self.respond(request, 200);
    self.send(request, "half");
    self.after(std::chrono::milliseconds(20), [&self, request] { self.cut(request.connection); });
  });
  receivers.resize(3);
  for (RecordingReceiver& each : receivers) post(server, each);
  run_until([&] { return all_finished(); });
  for (const RecordingReceiver& each : receivers) EXPECT_NE(each.error, "");
  run_until([&] { return loop.client->http2_connections() == 0; });
}

TEST_F(Http2ClientTest, SurvivesReceiversThatCancelOneAnother) {
  Http2Server server(tls(), [&](Http2Server& self, const Http2Server::Request& request) {
    self.respond(request, 200);
    self.send(request, "half");
    if (server.requests == 4) self.after(std::chrono::milliseconds(20), [&self] { self.cut(1); });
  });
  receivers.resize(4);
  for (RecordingReceiver& each : receivers) {
    each.on_finished_hook = [&] {
      for (RecordingReceiver& other : receivers) other.transfer.reset();
    };
    post(server, each);
  }
  run_until([&] { return loop.client->http2_connections() == 0 && server.closed_connections == 1; });
  EXPECT_EQ(std::count_if(receivers.begin(), receivers.end(), [](const auto& each) { return each.finished; }), 1);
}

TEST_F(Http2ClientTest, FailsARequestWhoseServerTalksNonsense) {
  RawServer server([](int connection, const std::string&) { RawServer::write(connection, "SSH-2.0-OpenSSH\r\n"); });
  receiver.transfer = loop.client->start(
      HttpRequest{.url = server.url(), .headers = {}, .body = "{}", .version = HttpVersion::kHttp2PriorKnowledge},
      receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_NE(receiver.error, "");
  run_until([&] { return loop.client->http2_connections() == 0; });
}

// --- Windows --------------------------------------------------------------------------------------------------------

TEST_F(Http2ClientTest, StopsAServerThatFloodsAPausedStreamAndLetsTheOthersGoOn) {
  constexpr std::size_t kFlood = 8 << 20;
  Http2Server server(tls(), [&](Http2Server& self, const Http2Server::Request& request) {
    self.respond(request, 200);
    self.send(request, request.stream == 1 ? std::string(kFlood, 'x') : std::string(1 << 20, 'y'));
    self.end(request);
  });
  receiver.on_body_hook = [&] { receiver.transfer->pause(); };
  post(server, receiver);
  run_until([&] { return !receiver.body.empty(); });
  const std::size_t when_paused = receiver.body.size();
  receivers.resize(20);
  for (RecordingReceiver& each : receivers) post(server, each);
  run_until([&] { return all_finished(); });
  for (const RecordingReceiver& each : receivers) EXPECT_EQ(each.body.size(), 1u << 20) << each.error;
  EXPECT_EQ(server.connections, 1u);
  EXPECT_EQ(receiver.body.size(), when_paused);
  EXPECT_LE(server.sent_bytes, 20u * (1 << 20) + when_paused + 2 * kUpstreamStreamWindowBytes);
  receiver.on_body_hook = [] {};
  receiver.transfer->resume();
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body.size(), kFlood);
  EXPECT_EQ(receiver.error, "");
}

TEST_F(Http2ClientTest, MayBePausedAgainWithEachPiece) {
  const std::string large(1 << 20, 'z');
  Http2Server server(tls(),
                     [&](Http2Server& self, const Http2Server::Request& request) { self.answer(request, large); });
  receiver.on_body_hook = [&] { receiver.transfer->pause(); };
  post(server, receiver);
  run_until([&] {
    if (receiver.transfer != nullptr && !receiver.finished) receiver.transfer->resume();
    return receiver.finished;
  });
  EXPECT_EQ(receiver.body, large);
}

TEST_F(Http2ClientTest, RefusesAHeadWithoutEnd) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) {
    Http2Server::Headers headers;
    for (int i = 0; i < 15; ++i) headers.emplace_back("x-" + std::to_string(i), std::string(4000, 'h'));
    self.respond(request, 200, headers);
  });
  post(server, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_NE(receiver.error, "");
  EXPECT_EQ(receiver.status, 0);
}

// --- TLS ------------------------------------------------------------------------------------------------------------

TEST_F(Http2ClientTest, TrustsNoCertificateOfAnotherHost) {
  const TestCertificate other("DNS:other.example");
  Http2Server server({.key = other.key(), .certificate = other.certificate()},
                     [](Http2Server& self, const Http2Server::Request& request) { self.answer(request, "secret"); });
  for (const char* host : {"127.0.0.1", "localhost"}) {
    receiver = RecordingReceiver{};
    receiver.transfer = loop.client->start(
        HttpRequest{.url = server.url(host), .headers = {}, .body = "{}", .ca_file = other.certificate()}, receiver);
    run_until([&] { return receiver.finished; });
    EXPECT_THAT(receiver.error, HasSubstr("mismatch")) << host;
    EXPECT_EQ(receiver.status, 0);
  }
  EXPECT_EQ(server.requests, 0u);
}

TEST_F(Http2ClientTest, TrustsNoAuthorityItDoesNotKnowUnlessToldTo) {
  Http2Server server(tls(), [](Http2Server& self, const Http2Server::Request& request) { self.answer(request, "ok"); });
  receiver.transfer = loop.client->start(HttpRequest{.url = server.url(), .headers = {}, .body = "{}"}, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, HasSubstr("not trusted"));
  receiver = RecordingReceiver{};
  receiver.transfer =
      loop.client->start(HttpRequest{.url = server.url(), .headers = {}, .body = "{}", .insecure_ssl = true}, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body, "ok");
}

TEST_F(Http2ClientTest, AsksAHostByItsName) {
  const TestCertificate named("DNS:localhost");
  Http2Server server({.key = named.key(), .certificate = named.certificate()},
                     [](Http2Server& self, const Http2Server::Request& request) {
                       self.answer(request, request.headers.at(":authority"));
                     });
  receiver.transfer = loop.client->start(
      HttpRequest{.url = server.url("localhost"), .headers = {}, .body = "{}", .ca_file = named.certificate()},
      receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  EXPECT_EQ(receiver.body, "localhost:" + std::to_string(server.port()));
}

TEST_F(Http2ClientTest, SaysThatTheFileOfCertificatesCannotBeRead) {
  receiver.transfer = loop.client->start(
      HttpRequest{.url = "https://127.0.0.1:1/", .headers = {}, .body = "{}", .ca_file = "/nonexistent"}, receiver);
  run_until([&] { return receiver.finished; });
  EXPECT_NE(receiver.error, "");
}

// The test's server does not speak HTTP/1.1; it is enough that the bytes arrive.
TEST_F(Http2ClientTest, AsksAServerThatChoosesHttp1OverTheConnectionThatHasNegotiatedIt) {
  Http2Server::Options options = tls();
  options.protocol = "http/1.1";
  Http2Server server(options, [](Http2Server&, const Http2Server::Request&) {});
  receivers.resize(2);
  for (RecordingReceiver& each : receivers) {
    post(server, each);
    run_until([&] { return each.finished; });
    EXPECT_NE(each.error, "");
  }
  EXPECT_EQ(server.requests, 0u);
  EXPECT_EQ(server.connections, 2u) << "one for each request, and the second did not try HTTP/2 again";
}

}  // namespace
}  // namespace streaming
