#include "mod_socket_handoff/response_head.h"

#include <gtest/gtest.h>

#include <string>

namespace socket_handoff {
namespace {

using State = ResponseHead::State;

std::string fields_of(const std::string& text) {
  ResponseHead head(text);
  EXPECT_EQ(head.state(), State::kComplete) << text;
  std::string fields;
  for (ResponseHead::Field field; head.next_field(field);) {
    fields += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  return fields;
}

State state_of(const std::string& text) {
  return ResponseHead(text).state();
}

TEST(ResponseHead, HasStatusAndFieldsAndEndsWhereTheBodyBegins) {
  const std::string text = "HTTP/1.1 429 Too Many\r\nContent-Type: text/plain\r\nX-A:  b \r\n\r\nbody\n\n";
  const ResponseHead head(text);
  EXPECT_EQ(head.state(), State::kComplete);
  EXPECT_EQ(head.status(), 429);
  EXPECT_EQ(text.substr(head.size()), "body\n\n");
  EXPECT_EQ(fields_of(text), "Content-Type=text/plain;X-A=b;");
}

TEST(ResponseHead, MayHaveBareLineFeedsAndNoReason) {
  EXPECT_EQ(fields_of("HTTP/1.0 200\nA: b\n\n"), "A=b;");
}

TEST(ResponseHead, LeavesOutWhatIsTheConnections) {
  EXPECT_EQ(fields_of("HTTP/1.1 200 OK\r\nconnection: close\r\nContent-Length: 3\r\nKeep-Alive: x\r\nA: b\r\n\r\n"),
            "A=b;");
}

TEST(ResponseHead, SaysWhetherTheBodyIsInChunks) {
  const std::string text = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nA: b\r\n\r\n";
  EXPECT_TRUE(ResponseHead(text).is_chunked());
  EXPECT_EQ(fields_of(text), "A=b;");
  EXPECT_FALSE(ResponseHead("HTTP/1.1 200 OK\r\n\r\n").is_chunked());
}

TEST(ResponseHead, IsIncompleteBeforeTheEmptyLine) {
  const std::string text = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(state_of(text.substr(0, length)), State::kIncomplete) << length;
  }
}

TEST(ResponseHead, RefusesWhatIsNone) {
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

TEST(ResponseHead, HasABound) {
  EXPECT_EQ(state_of("HTTP/1.1 200 OK\r\nA: " + std::string(kMaxResponseHeadBytes, 'x')), State::kInvalid);
}

}  // namespace
}  // namespace socket_handoff
