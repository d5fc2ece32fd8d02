// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/relayed_answer.h"

#include <gtest/gtest.h>

#include <string>

namespace socket_handoff {
namespace {

using State = RelayedHead::State;

std::string fields_of(const std::string& text) {
  RelayedHead head(text);
  EXPECT_EQ(head.state(), State::kComplete) << text;
  std::string fields;
  for (RelayedHead::Field field; head.next_field(field);) {
    fields += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  return fields;
}

State state_of(const std::string& text) {
  return RelayedHead(text).state();
}

TEST(RelayedHead, HasStatusAndFieldsAndEndsWhereTheBodyBegins) {
  const std::string text = "HTTP/1.1 429 Too Many\r\nContent-Type: text/plain\r\nX-A:  b \r\n\r\nbody\n\n";
  const RelayedHead head(text);
  EXPECT_EQ(head.state(), State::kComplete);
  EXPECT_EQ(head.status(), 429);
  EXPECT_EQ(text.substr(head.size()), "body\n\n");
  EXPECT_EQ(fields_of(text), "Content-Type=text/plain;X-A=b;");
}

TEST(RelayedHead, MayHaveBareLineFeedsAndNoReason) {
  EXPECT_EQ(fields_of("HTTP/1.0 200\nA: b\n\n"), "A=b;");
}

TEST(RelayedHead, LeavesOutWhatIsTheConnections) {
  EXPECT_EQ(fields_of("HTTP/1.1 200 OK\r\nconnection: close\r\nContent-Length: 3\r\nKeep-Alive: x\r\nA: b\r\n\r\n"),
            "A=b;");
}

TEST(RelayedHead, SaysWhetherTheBodyIsInChunks) {
  const std::string text = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nA: b\r\n\r\n";
  EXPECT_TRUE(RelayedHead(text).is_chunked());
  EXPECT_EQ(fields_of(text), "A=b;");
  EXPECT_FALSE(RelayedHead("HTTP/1.1 200 OK\r\n\r\n").is_chunked());
}

TEST(RelayedHead, IsIncompleteBeforeTheEmptyLine) {
  const std::string text = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(state_of(text.substr(0, length)), State::kIncomplete) << length;
  }
}

TEST(RelayedHead, RefusesWhatIsNone) {
  for (const char* text :
       {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1 20 X\r\n\r\n", "HTTP/1.1 2000 X\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n", "data: {}\n\n", "HTTP/1.1 200 OK\r\nA\r\n\r\n", "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    EXPECT_EQ(state_of(text), State::kInvalid) << text;
  }
  EXPECT_EQ(state_of(std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25)), State::kInvalid);
  EXPECT_EQ(state_of(std::string("HTTP/1.1 200 OK\r\n\0: b\r\n\r\n", 25)), State::kInvalid);
}

TEST(RelayedHead, RefusesAHeadBeyondTheLimit) {
  EXPECT_EQ(state_of("HTTP/1.1 200 OK\r\nA: " + std::string(kMaxRelayedHeadBytes, 'x')), State::kInvalid);
}

using ChunkedState = ChunkedBody::State;

// The body of what comes in pieces of so many bytes.
std::string decode(ChunkedBody& body, const std::string& text, std::size_t piece) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); i += piece) {
    std::string part = text.substr(i, piece);
    part.resize(body.decode(part.data(), part.size()));
    decoded += part;
  }
  return decoded;
}

TEST(ChunkedBody, IsTheSameHoweverItComes) {
  const std::string text = "5\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n1\r\n\n\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    ChunkedBody body;
    EXPECT_EQ(decode(body, text, piece), "helloabcdefghijklmnopqrstuvwxyz\n") << piece;
    EXPECT_EQ(body.state(), ChunkedState::kComplete) << piece;
  }
}

TEST(ChunkedBody, IsIncompleteUntilTheLastByteOfTheLastChunk) {
  const std::string text = "2\r\nok\r\n0\r\n\r\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    ChunkedBody body;
    decode(body, text.substr(0, length), 3);
    EXPECT_EQ(body.state(), ChunkedState::kIncomplete) << length;
  }
}

TEST(ChunkedBody, NothingElseIsTaken) {
  for (const char* text :
       {"\r\n", "x\r\n", "-1\r\n", " 2\r\nok\r\n", "2;a=b\r\nok\r\n", "2\nok\n", "2\r\nokk", "2\r\nok\n",
        "123456789\r\n", "0\r\nTrailer: x\r\n\r\n", "0\r\n\r\nx", "0x2\r\nok\r\n", "2\r\rok"}) {
    ChunkedBody body;
    decode(body, text, 1);
    EXPECT_EQ(body.state(), ChunkedState::kInvalid) << text;
  }
}

TEST(ChunkedBody, WhatCameBeforeAMistakeIsPartOfIt) {
  ChunkedBody body;
  EXPECT_EQ(decode(body, "2\r\nok\r\nrubbish", 100), "ok");
  EXPECT_EQ(body.state(), ChunkedState::kInvalid);
}

}  // namespace
}  // namespace socket_handoff
