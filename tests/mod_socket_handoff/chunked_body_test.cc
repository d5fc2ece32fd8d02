#include "mod_socket_handoff/chunked_body.h"

#include <gtest/gtest.h>

#include <string>

namespace socket_handoff {
namespace {

using State = ChunkedBody::State;

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
    EXPECT_EQ(body.state(), State::kComplete) << piece;
  }
}

TEST(ChunkedBody, IsIncompleteUntilTheLastByteOfTheLastChunk) {
  const std::string text = "2\r\nok\r\n0\r\n\r\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    ChunkedBody body;
    decode(body, text.substr(0, length), 3);
    EXPECT_EQ(body.state(), State::kIncomplete) << length;
  }
}

TEST(ChunkedBody, NothingElseIsTaken) {
  for (const char* text :
       {"\r\n", "x\r\n", "-1\r\n", " 2\r\nok\r\n", "2;a=b\r\nok\r\n", "2\nok\n", "2\r\nokk", "2\r\nok\n",
        "123456789\r\n", "0\r\nTrailer: x\r\n\r\n", "0\r\n\r\nx", "0x2\r\nok\r\n", "2\r\rok"}) {
    ChunkedBody body;
    decode(body, text, 1);
    EXPECT_EQ(body.state(), State::kInvalid) << text;
  }
}

TEST(ChunkedBody, WhatCameBeforeAMistakeIsPartOfIt) {
  ChunkedBody body;
  EXPECT_EQ(decode(body, "2\r\nok\r\nrubbish", 100), "ok");
  EXPECT_EQ(body.state(), State::kInvalid);
}

}  // namespace
}  // namespace socket_handoff
