// SPDX-License-Identifier: Apache-2.0
#include "store/store_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "store/limits.h"

namespace streaming {
namespace {

// The reply in one line: (a b [1 2]).
std::string printed(StoreReplyCursor& cursor) {
  if (const auto elements = cursor.take_array()) {
    std::string text = "(";
    for (std::size_t i = 0; i < *elements; ++i) text += (i == 0 ? "" : " ") + printed(cursor);
    return text + ")";
  }
  if (const auto text = cursor.take_text()) return std::string(*text);
  if (const auto number = cursor.take_integer()) return std::to_string(*number);
  cursor.skip();
  return "-";
}

std::string printed(const StoreReply& reply) {
  StoreReplyCursor cursor(reply);
  return printed(cursor);
}

constexpr std::string_view kReplies =
    "+OK\r\n"
    ":42\r\n"
    "$5\r\na\r\nb \r\n"
    "$-1\r\n"
    "*-1\r\n"
    "*0\r\n"
    "*2\r\n*2\r\n$3\r\n0-1\r\n*2\r\n$1\r\nf\r\n$4\r\ndata\r\n*2\r\n$3\r\n0-2\r\n$0\r\n\r\n"
    "-WRONGTYPE no\r\n";

TEST(StoreReply, IsTheSameHoweverItsBytesCome) {
  for (std::size_t piece = 1; piece <= kReplies.size(); ++piece) {
    StoreReplyReader reader;
    std::string all;
    for (std::string_view rest = kReplies; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      const std::string_view next = rest.substr(0, piece);
      ASSERT_TRUE(reader.feed(next).ok());
      for (;;) {
        const Result<const StoreReply*> reply = reader.next();
        ASSERT_TRUE(reply.ok());
        if (*reply == nullptr) break;
        all += (*reply)->is_error() ? "error " + std::string((*reply)->text()) : printed(**reply) + "|";
      }
    }
    EXPECT_EQ(all, "OK|42|a\r\nb |-|-|()|((0-1 (f data)) (0-2 ))|error WRONGTYPE no") << "pieces of " << piece;
  }
}

TEST(StoreReply, PassesAnElementWithAllThatItContains) {
  StoreReplyReader reader;
  ASSERT_TRUE(reader.feed(std::string_view("*2\r\n*2\r\n*1\r\n:1\r\n:2\r\n$4\r\nlast\r\n")).ok());
  StoreReplyCursor cursor(**reader.next());
  EXPECT_EQ(cursor.take_array(), 2u);
  cursor.skip();
  EXPECT_EQ(cursor.take_text(), "last");
  EXPECT_TRUE(cursor.at_end());
}

TEST(StoreReply, StaysAtAnElementOfAnotherKind) {
  StoreReplyReader reader;
  ASSERT_TRUE(reader.feed(std::string_view(":7\r\n")).ok());
  StoreReplyCursor cursor(**reader.next());
  EXPECT_EQ(cursor.take_text(), std::nullopt);
  EXPECT_EQ(cursor.take_array(), std::nullopt);
  EXPECT_EQ(cursor.take_integer(), 7);
  EXPECT_EQ(cursor.take_integer(), std::nullopt);
}

TEST(StoreReply, IsAnErrorIfItHasTooManyElementsOrIsNone) {
  for (const std::string_view bytes : {"*1000000000\r\n", "HTTP/1.1 400 Bad Request\r\n", "$1000000000000000000000\r\n",
                                       "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    StoreReplyReader reader;
    ASSERT_TRUE(reader.feed(bytes).ok());
    EXPECT_FALSE(reader.next().ok()) << bytes;
  }
}

TEST(StoreReply, IsAnErrorIfItIsOneOfALaterProtocol) {
  for (const std::string_view bytes : {"#t\r\n", ",1.5\r\n"}) {
    StoreReplyReader reader;
    ASSERT_TRUE(reader.feed(bytes).ok());
    EXPECT_FALSE(reader.next().ok()) << bytes;
  }
}

TEST(StoreReply, IsAnErrorIfItIsTooLarge) {
  StoreReplyReader reader;
  ASSERT_TRUE(reader.feed(std::string_view("$100000000\r\n")).ok());
  const std::string megabyte(1024 * 1024, 'x');
  std::size_t fed = 0;
  while (reader.feed(megabyte).ok()) {
    fed += megabyte.size();
    ASSERT_LE(fed, kMaxStoreReplyBytes);
    ASSERT_TRUE(reader.next().ok());
  }
  EXPECT_GE(fed, kMaxStoreReplyBytes - 2 * megabyte.size());
}

}  // namespace
}  // namespace streaming
