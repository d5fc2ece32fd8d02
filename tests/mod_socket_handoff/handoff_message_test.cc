// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/handoff_message.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "protocol/handoff_protocol.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

TEST(Payload, OnlyAJsonObjectOnOneLineOrNothingIsFitForAStreamSocket) {
  EXPECT_TRUE(Payload{}.is_fit_for_stream_socket());
  EXPECT_TRUE(
      (Payload{.front = "{", .rest = "\"prompt\":\"x\\n\"}", .is_json_object = true}.is_fit_for_stream_socket()));
  EXPECT_FALSE((Payload{.front = {}, .rest = "FLUSHALL", .is_json_object = false}.is_fit_for_stream_socket()));
  // Redis would take the second line for a command.
  EXPECT_FALSE(
      (Payload{.front = "{", .rest = "\n\"FLUSHALL\"\n:1}", .is_json_object = true}.is_fit_for_stream_socket()));
}

// The payload with the member in it, or as it was.
std::string spliced(const std::string& payload, const ApacheFacts& facts = {}) {
  const auto rest = rest_of_object(payload);
  if (!rest) return payload;
  JsonText size;
  write_front(size, facts, *rest);
  std::string front(size.size(), ' ');
  JsonText text(front.data(), front.size());
  write_front(text, facts, *rest);
  EXPECT_EQ(text.size(), size.size());
  return front + std::string(*rest);
}

std::string as_json_string(std::string_view text) {
  char memory[256];
  JsonText json(memory, sizeof memory);
  json.write_string(text);
  return std::string(json.text());
}

TEST(ApacheMember, PutsApachesMemberFirst) {
  EXPECT_EQ(spliced(R"({"prompt":"hi"})"), R"({"apache":{"headers":[]},"prompt":"hi"})");
  EXPECT_EQ(spliced(" \n{ \"prompt\" : 1 } "), "{\"apache\":{\"headers\":[]}, \"prompt\" : 1 } ");
}

TEST(ApacheMember, PutsApachesMemberIntoAnEmptyObject) {
  EXPECT_EQ(spliced("{}"), R"({"apache":{"headers":[]}})");
  EXPECT_EQ(spliced("{ }"), R"({"apache":{"headers":[]} })");
}

TEST(ApacheMember, OtherPayloadsPassUntouched) {
  for (const char* payload : {"", "text", "[1]", "{broken", "{\"a\":1}x", "{name}", "\"{}\""}) {
    EXPECT_EQ(spliced(payload), payload);
  }
}

TEST(ApacheMember, SaysWhatApacheKnows) {
  const std::vector<HeaderField> headers = {{"Set-Cookie", "a=\"1\""}, {"Set-Cookie", "b"}};
  const ApacheFacts facts = {.headers = headers,
                             .request_id = "id",
                             .client = "::1",
                             .method = "POST",
                             .uri = "/chat",
                             .protocol = "HTTP/1.1",
                             .last_event_id = "7",
                             .browser = "Mozilla/5.0"};
  EXPECT_EQ(spliced("{}", facts),
            R"({"apache":{"headers":[["Set-Cookie","a=\"1\""],["Set-Cookie","b"]],)"
            R"("request_id":"id","client":"::1","method":"POST","uri":"/chat","protocol":"HTTP/1.1",)"
            R"("last_event_id":"7","browser":"Mozilla/5.0"}})");
}

TEST(JsonText, EscapesWhatJsonRequires) {
  EXPECT_EQ(as_json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(as_json_string(std::string_view("\0\r\n\x1f\x7f", 5)), R"("\u0000\u000d\u000a\u001f\u007f")");
}

TEST(JsonText, KeepsUtf8) {
  const char* text = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_EQ(as_json_string(text), '"' + std::string(text) + '"');
}

TEST(JsonText, TakesOtherBytesForLatin1) {
  EXPECT_EQ(as_json_string("caf\xe9"), R"("caf\u00e9")");
  EXPECT_EQ(as_json_string("\xc0\xaf"), R"("\u00c0\u00af")");            // overlong
  EXPECT_EQ(as_json_string("\xed\xa0\x80"), R"("\u00ed\u00a0\u0080")");  // a surrogate
  EXPECT_EQ(as_json_string("\xf4\x90\x80\x80"), R"("\u00f4\u0090\u0080\u0080")");
  EXPECT_EQ(as_json_string("\xe2\x82"), R"("\u00e2\u0082")");  // cut
}

using std::chrono::milliseconds;

constexpr milliseconds kLongEnough(20'000);

struct SocketPair {
  explicit SocketPair(int type) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    module = UniqueDescriptor(ends[0]);
    daemon = UniqueDescriptor(ends[1]);
    EXPECT_EQ(::fcntl(module.get(), F_SETFL, O_NONBLOCK), 0);
  }

  UniqueDescriptor module;
  UniqueDescriptor daemon;
};

// Stands for the client's TCP connection: what is written to one end must come out of the other.
class Client {
 public:
  int descriptor() const { return pair_.daemon.get(); }
  bool is_reached_by(int descriptor) const {
    char byte = 0;
    return ::write(descriptor, "!", 1) == 1 && ::read(pair_.module.get(), &byte, 1) == 1 && byte == '!';
  }

 private:
  SocketPair pair_{SOCK_STREAM};
};

TEST(HandoffMessage, CarriesPayloadAndClientInOneMessage) {
  const SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  const std::string payload = R"({"prompt":"say \"hé\""})";

  const SendResult result =
      send_handoff(pair.module.get(), client.descriptor(), {.front = {}, .rest = payload}, kLongEnough);

  EXPECT_TRUE(result.client_is_gone);
  EXPECT_EQ(result.error, 0);
  const ReceivedHandoff received = receive_handoff(pair.daemon.get());
  EXPECT_EQ(received.payload, payload);
  ASSERT_EQ(received.descriptors.size(), 1u);
  EXPECT_TRUE(client.is_reached_by(received.descriptors[0].get()));
}

TEST(HandoffMessage, MissingPayloadIsOneNulByte) {
  const SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  EXPECT_TRUE(send_handoff(pair.module.get(), client.descriptor(), {}, kLongEnough).client_is_gone);
  const ReceivedHandoff received = receive_handoff(pair.daemon.get());
  EXPECT_EQ(received.payload, std::string(1, handoff_protocol::kNoPayload));
  EXPECT_EQ(received.descriptors.size(), 1u);
}

TEST(HandoffMessage, LargestInlinePayloadGoesInOneMessage) {
  const SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  const std::string payload(handoff_protocol::kMaxInlinePayloadBytes, 'x');
  EXPECT_TRUE(
      send_handoff(pair.module.get(), client.descriptor(), {.front = {}, .rest = payload}, kLongEnough).client_is_gone);
  EXPECT_EQ(receive_handoff(pair.daemon.get()).payload, payload);
}

TEST(HandoffMessage, JoinsThePiecesOfAPayload) {
  const SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  EXPECT_TRUE(
      send_handoff(pair.module.get(), client.descriptor(), {.front = "{\"a\":1,", .rest = "\"b\":2}"}, kLongEnough)
          .client_is_gone);
  EXPECT_EQ(receive_handoff(pair.daemon.get()).payload, R"({"a":1,"b":2})");
}

TEST(HandoffMessage, MakesRoomInASmallSendBuffer) {
  const SocketPair pair(SOCK_SEQPACKET);
  const int small = 4096;
  ASSERT_EQ(::setsockopt(pair.module.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  const Client client;
  const std::string payload(handoff_protocol::kMaxInlinePayloadBytes, 'x');
  EXPECT_EQ(send_handoff(pair.module.get(), client.descriptor(), {.front = {}, .rest = payload}, kLongEnough).error, 0);
}

TEST(HandoffMessage, BringsAFileBesideTheClient) {
  const SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  const std::string payload(3'000'000, 'x');
  const UniqueDescriptor file = make_payload_file({.front = "<", .rest = payload});
  ASSERT_TRUE(file);
  EXPECT_TRUE(send_handoff_with_file(pair.module.get(), client.descriptor(), {}, file.get(), kLongEnough).client_is_gone);

  const ReceivedHandoff received = receive_handoff(pair.daemon.get());
  EXPECT_EQ(received.payload, std::string(1, handoff_protocol::kNoPayload));
  ASSERT_EQ(received.descriptors.size(), 2u);
  EXPECT_TRUE(client.is_reached_by(received.descriptors[0].get()));
  const int memfd = received.descriptors[1].get();
  std::string content(payload.size() + 1, ' ');
  EXPECT_EQ(::pread(memfd, content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  EXPECT_EQ(content, "<" + payload);
  EXPECT_EQ(::fcntl(memfd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

TEST(HandoffMessage, PutsKeysInFrontOfThePayload) {
  const SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  const Payload payload{.connection_part = "\x01keys", .front = "{", .rest = "}", .is_json_object = true};
  EXPECT_TRUE(send_handoff(pair.module.get(), client.descriptor(), payload, kLongEnough).client_is_gone);
  EXPECT_EQ(receive_handoff(pair.daemon.get()).payload, "\x01keys{}");
  const Payload nothing{.connection_part = "\x01keys", .front = {}, .rest = {}};
  EXPECT_TRUE(send_handoff(pair.module.get(), client.descriptor(), nothing, kLongEnough).client_is_gone);
  EXPECT_EQ(receive_handoff(pair.daemon.get()).payload, std::string("\x01keys\0", 6));
}

TEST(HandoffMessage, PutsKeysInTheMessageAndNeverInTheFile) {
  const SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  const UniqueDescriptor file = make_payload_file({.connection_part = "\x01keys", .front = "{", .rest = "}"});
  EXPECT_TRUE(
      send_handoff_with_file(pair.module.get(), client.descriptor(), "\x01keys", file.get(), kLongEnough).client_is_gone);
  const ReceivedHandoff received = receive_handoff(pair.daemon.get());
  EXPECT_EQ(received.payload, std::string("\x01keys\0", 6));
  ASSERT_EQ(received.descriptors.size(), 2u);
  char content[8];
  EXPECT_EQ(::pread(received.descriptors[1].get(), content, sizeof content, 0), 2);
}

TEST(WrittenConnectionPart, AreTheConnectionPart) {
  WrittenConnectionPart keys;
  EXPECT_TRUE(keys.text().empty());
  handoff_protocol::TlsState tls;
  tls.to_client.sequence = 7;
  keys.write({.tls = tls});
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(keys.text().data());
  const handoff_protocol::ConnectionPart part = handoff_protocol::read_connection_part({bytes, keys.text().size()});
  EXPECT_EQ(part.problem, handoff_protocol::ConnectionPartProblem::kNone);
  EXPECT_EQ(part.bytes, keys.text().size());
  EXPECT_TRUE(*part.connection.tls == tls);
}

TEST(HandoffMessage, StreamDaemonGetsALongPayloadInPiecesAndTheClientOnce) {
  const SocketPair pair(SOCK_STREAM);
  const Client client;
  const std::string payload(4 * 1024 * 1024, 'x');
  SendResult result;
  std::thread module([&] {
    result = send_handoff(pair.module.get(), client.descriptor(), {.front = {}, .rest = payload}, kLongEnough);
  });

  std::size_t received_bytes = 0;
  std::size_t received_descriptors = 0;
  while (received_bytes < payload.size()) {
    const ReceivedHandoff piece = receive_handoff(pair.daemon.get());
    ASSERT_FALSE(piece.payload.empty());
    received_bytes += piece.payload.size();
    received_descriptors += piece.descriptors.size();
  }
  module.join();
  EXPECT_TRUE(result.client_is_gone);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(received_descriptors, 1u);
}

TEST(HandoffMessage, ClientIsGoneOnceTheFirstPieceIsSentEvenIfTheRestIsNotTaken) {
  const SocketPair pair(SOCK_STREAM);
  const Client client;
  const std::string payload(4 * 1024 * 1024, 'x');
  const SendResult result =
      send_handoff(pair.module.get(), client.descriptor(), {.front = {}, .rest = payload}, milliseconds(10));
  EXPECT_TRUE(result.client_is_gone);
  EXPECT_EQ(result.error, ETIMEDOUT);
}

TEST(HandoffMessage, DaemonThatIsGoneLeavesTheClientWithApache) {
  SocketPair pair(SOCK_SEQPACKET);
  const Client client;
  pair.daemon = UniqueDescriptor();
  const SendResult result = send_handoff(pair.module.get(), client.descriptor(), {}, kLongEnough);
  EXPECT_FALSE(result.client_is_gone);
  EXPECT_EQ(result.error, EPIPE);
}

}  // namespace
}  // namespace socket_handoff
