// SPDX-License-Identifier: Apache-2.0
#include "answers/stored_answer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace streaming {
namespace {

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

// What XRANGE replies with if the stream has this entry alone.
std::optional<StoredEntry> entry_of(std::string_view id, std::string_view first, std::string_view frames,
                                    StoreReplyReader& reader) {
  const std::string reply =
      "*1\r\n*2\r\n" + bulk(id) + "*4\r\n" + bulk("first") + bulk(first) + bulk("frames") + bulk(frames);
  EXPECT_TRUE(reader.feed(reply).ok());
  StoreReplyCursor cursor(**reader.next());
  cursor.take_array();
  return read_stored_entry(cursor);
}

TEST(StoredEntry, HasTheNumbersOfItsEvents) {
  StoreReplyReader reader;
  const auto entry = entry_of("0-7", "6", "data: 6\n\ndata: 7\n\n", reader);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->first_event, 6u);
  EXPECT_EQ(entry->last_event, 7u);
  EXPECT_EQ(entry->frames, "data: 6\n\ndata: 7\n\n");
}

TEST(StoredEntry, IsNoneUnlessEachOfItsEventsIsAWholeFrame) {
  for (const char* const frames : {"", "x", "data: 6\n\n", "data: 6\n\ndata: 7\n", "data: 6\n\ndata: 7\n\n\n\n"}) {
    StoreReplyReader reader;
    EXPECT_FALSE(entry_of("0-7", "6", frames, reader)) << frames;
  }
}

}  // namespace
}  // namespace streaming
