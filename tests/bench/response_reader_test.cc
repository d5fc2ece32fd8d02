// SPDX-License-Identifier: Apache-2.0
#include "bench/response_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace streaming::bench {
namespace {

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: data: [DONE]\r\n\r\n:\n\n"
    "data: {\"content\":\"a\"}\n\ndata: {\"content\":\"b\"}\n\ndata: [DONE]\n\n";

ResponseReader reader_of(std::string_view bytes) {
  ResponseReader reader;
  reader.read(bytes);
  return reader;
}

std::string with_body(std::string_view body) {
  return "HTTP/1.1 200 OK\r\n\r\n" + std::string(body);
}

TEST(ResponseReader, CountsEventsUpToTheEnd) {
  const ResponseReader reader = reader_of(kResponse);
  EXPECT_EQ(reader.status(), 200);
  EXPECT_EQ(reader.events(), 2u);
  EXPECT_TRUE(reader.done());
}

TEST(ResponseReader, DoesNotMindWhereTheBytesAreCut) {
  for (std::size_t cut = 1; cut < kResponse.size(); ++cut) {
    ResponseReader reader = reader_of(kResponse.substr(0, cut));
    EXPECT_FALSE(reader.done()) << cut;
    reader.read(kResponse.substr(cut));
    EXPECT_EQ(reader.status(), 200) << cut;
    EXPECT_EQ(reader.events(), 2u) << cut;
    EXPECT_TRUE(reader.done()) << cut;
  }
}

TEST(ResponseReader, TakesSingleBytes) {
  ResponseReader reader;
  for (const char& byte : kResponse) reader.read({&byte, 1});
  EXPECT_EQ(reader.events(), 2u);
  EXPECT_TRUE(reader.done());
}

TEST(ResponseReader, IsNotDoneBeforeTheBlankLineOrWhenMoreComes) {
  EXPECT_FALSE(reader_of(with_body("data: [DONE]\n")).done());
  EXPECT_TRUE(reader_of(with_body("data: [DONE]\n\n")).done());
  EXPECT_TRUE(reader_of(with_body("data:[DONE]\r\n\r\n")).done());
  EXPECT_FALSE(reader_of(with_body("data: [DONE]\n\ndata: x\n\n")).done());
}

TEST(ResponseReader, MissesTheLastChunkOfAChunkedAnswer) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "3\r\n:\n\n\r\nb\r\ndata: 123\n\n\r\ne\r\ndata: [DONE]\n\n\r\n";
  EXPECT_FALSE(reader_of(head + body).done());
  EXPECT_TRUE(reader_of(head + body + "0\r\n\r\n").done());
  EXPECT_EQ(reader_of(head + body + "0\r\n\r\n").events(), 1u);
  EXPECT_FALSE(reader_of(head + body + "1\r\n").done());
}

TEST(ResponseReader, IsNotFooledByTextThatSaysDone) {
  EXPECT_FALSE(reader_of(with_body("data: [DONE], almost\n\n")).done());
  EXPECT_FALSE(reader_of(with_body("data: {\"content\":\"data: [DONE]\"}\n\n")).done());
}

TEST(ResponseReader, CountsAnEventOfSeveralLinesOnceAndACommentNever) {
  const ResponseReader reader = reader_of(with_body(": ping\n\nevent: x\ndata: a\ndata: b\n\n\n\n"));
  EXPECT_EQ(reader.events(), 1u);
}

TEST(ResponseReader, ReadsOtherStatuses) {
  EXPECT_EQ(reader_of("HTTP/1.1 503 Service Unavailable\r\n\r\n").status(), 503);
  EXPECT_EQ(reader_of("HTTP/1.0 200\r\n").status(), 200);
  EXPECT_EQ(reader_of("").status(), 0);
  EXPECT_EQ(reader_of("HTTP/1.1 200 OK").status(), 0);
  EXPECT_EQ(reader_of("data: x\n\n").status(), -1);
}

}  // namespace
}  // namespace streaming::bench
