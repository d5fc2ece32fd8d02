// SPDX-License-Identifier: Apache-2.0
#include "sse/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace streaming {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kLimit = 1000;

struct Parsed {
  std::string type, id, data;
  bool operator==(const Parsed&) const = default;
};

void PrintTo(const Parsed& event, std::ostream* out) {
  *out << "{type=" << event.type << " id=" << event.id << " data=" << event.data << "}";
}

std::vector<Parsed> parse(const std::vector<std::string_view>& reads) {
  SseParser parser(kLimit);
  std::vector<Parsed> events;
  for (std::string_view read : reads) {
    EXPECT_TRUE(parser.feed(read, [&](SseEvent& event) {
      events.push_back({std::string(event.type), std::string(event.id), event.data});
      return true;
    }));
  }
  return events;
}

Parsed data(std::string text) {
  return {"", "", std::move(text)};
}

TEST(SseParser, ReadsFieldsAndDispatchesAtTheBlankLine) {
  EXPECT_THAT(parse({"event: delta\nid: 7\ndata: hello\n\n"}), ElementsAre(Parsed{"delta", "7", "hello"}));
}

TEST(SseParser, DropsOneSpaceBehindTheColonAndNoMore) {
  EXPECT_THAT(parse({"data:{\"a\":1}\n\ndata: x\n\ndata:  y\n\n"}),
              ElementsAre(data("{\"a\":1}"), data("x"), data(" y")));
}

TEST(SseParser, EndsLinesAtLfCrAndCrLf) {
  EXPECT_THAT(parse({"data: a\r\n\r\ndata: b\r\rdata: c\n\n"}), ElementsAre(data("a"), data("b"), data("c")));
}

TEST(SseParser, JoinsDataLines) {
  EXPECT_THAT(parse({"data: {\ndata:   \"a\": 1\ndata: }\n\n"}), ElementsAre(data("{\n  \"a\": 1\n}")));
}

TEST(SseParser, SkipsCommentsUnknownFieldsAndAByteOrderMark) {
  EXPECT_THAT(parse({"\xEF\xBB\xBF: OPENROUTER PROCESSING\n\n:\n\nretry: 10\nfoo: bar\ndata: a\n\n"}),
              ElementsAre(data("a")));
}

TEST(SseParser, TakesALineWithoutAColonAsAFieldWithoutValue) {
  EXPECT_THAT(parse({"data\n\n"}), ElementsAre(data("")));
}

TEST(SseParser, HandsOutNothingForABlockWithoutData) {
  EXPECT_THAT(parse({"event: ping\n\n"}), IsEmpty());
}

TEST(SseParser, KeepsTheIdAndForgetsTheType) {
  EXPECT_THAT(parse({"id: 1\nevent: a\ndata: x\n\ndata: y\n\nid\ndata: z\n\n"}),
              ElementsAre(Parsed{"a", "1", "x"}, Parsed{"", "1", "y"}, Parsed{"", "", "z"}));
}

TEST(SseParser, IgnoresAnIdWithNul) {
  EXPECT_THAT(parse({std::string_view("id: a\0b\ndata: x\n\n", 17)}), ElementsAre(data("x")));
}

TEST(SseParser, DropsABlockThatTheEndCutsOff) {
  EXPECT_THAT(parse({"data: whole\n\ndata: cut\n"}), ElementsAre(data("whole")));
}

TEST(SseParser, HandsOutTheLastBlockWhereTheEndIsAProperOne) {
  for (const auto& [stream, expected] : {std::pair{"event: a\nid: 1\ndata: x\n", Parsed{"a", "1", "x"}},
                                         {"event: a\nid: 1\ndata: x", Parsed{"a", "1", "x"}},
                                         {"data: y\n\nevent: a\nid: 1\ndata: x\r", Parsed{"a", "1", "x"}}}) {
    SseParser parser(kLimit);
    parser.feed(stream, [](SseEvent&) { return true; });
    std::vector<Parsed> events;
    parser.finish([&](SseEvent& event) {
      events.push_back({std::string(event.type), std::string(event.id), event.data});
      return true;
    });
    EXPECT_THAT(events, ElementsAre(expected)) << stream;
  }
  for (const char* stream : {"", "data: x\n\n", "event: a\n", ": comment", "id: 1"}) {
    SseParser parser(kLimit);
    parser.feed(stream, [](SseEvent&) { return true; });
    parser.finish([](SseEvent& event) {
      ADD_FAILURE() << event.data;
      return true;
    });
  }
}

TEST(SseParser, ReadsTheSameHoweverTheStreamIsCut) {
  const std::string stream =
      "\xEF\xBB\xBF: hello\r\nevent: a\r\ndata: one\r\ndata: two \xF0\x9F\x98\x80\r\n\r\n"
      "data:x\r\rid: 3\ndata\n\n:\n\nretry: 1\n\ndata: [DONE]\n\n";
  const std::vector<Parsed> expected = parse({stream});
  ASSERT_EQ(expected.size(), 4u);
  const std::string_view view = stream;
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      ASSERT_EQ(parse({view.substr(0, first), view.substr(first, second - first), view.substr(second)}), expected)
          << "cut at " << first << " and " << second;
    }
  }
}

TEST(SseParser, StopsWhenToldTo) {
  SseParser parser(kLimit);
  int events = 0;
  EXPECT_TRUE(parser.feed("data: a\n\ndata: b\n\n", [&](SseEvent&) {
    ++events;
    return false;
  }));
  EXPECT_EQ(events, 1);
}

TEST(SseParser, RefusesAnEventOverTheLimitAndWhateverFollows) {
  const std::string line = "data: " + std::string(kLimit / 2, 'x') + "\n";
  SseParser parser(kLimit);
  const auto never = [](SseEvent&) {
    ADD_FAILURE() << "no event was complete";
    return true;
  };
  EXPECT_TRUE(parser.feed(line, never));
  EXPECT_FALSE(parser.feed(line, never));
  EXPECT_FALSE(parser.feed("\n\n", never));
}

TEST(SseParser, CountsTheTypeAndTheIdToo) {
  for (const char* const field : {"event: ", "id: "}) {
    SseParser parser(kLimit);
    const auto never = [](SseEvent&) { return false; };
    EXPECT_TRUE(parser.feed(field + std::string(kLimit / 2, 'x') + "\n", never)) << field;
    EXPECT_GE(parser.held(), kLimit / 2) << field;
    EXPECT_FALSE(parser.feed("data: " + std::string(kLimit / 2, 'x') + "\n", never)) << field;
  }
}

TEST(SseParser, TakesAnEventJustBelowTheLimitInSmallReads) {
  SseParser parser(kLimit);
  std::string got;
  const std::string stream = "data: " + std::string(kLimit - 10, 'x') + "\n\n";
  for (char byte : stream) {
    ASSERT_TRUE(parser.feed({&byte, 1}, [&](SseEvent& event) {
      got = event.data;
      return true;
    }));
  }
  EXPECT_EQ(got.size(), kLimit - 10);
}

}  // namespace
}  // namespace streaming
