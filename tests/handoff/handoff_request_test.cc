// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_request.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_input.h"
#include "handoff/limits.h"
#include "support/parsed_payload.h"

namespace streaming {
namespace {

class HandoffRequestTest : public testing::Test {
 protected:
  Result<std::unique_ptr<HandoffRequest>> parse(std::string_view payload) { return parser.parse(payload); }
  std::string mistake(std::string_view payload) {
    const auto request = parse(payload);
    return request.ok() ? "no mistake" : request.error().message;
  }

  HandoffRequestParser parser;
};

TEST_F(HandoffRequestTest, ReadsTheFieldsItKnows) {
  const auto request = parse(
      R"({"prompt":"hi","system":"be brief","model":"m","backend":"mock","request_id":"r-1","user_id":12,)"
      R"("max_tokens":5,"temperature":0.5,"test_pattern":"p","messages":[{"role":"user","content":"x"}],"other":{}})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  const HandoffRequest& read = **request;
  EXPECT_EQ(read.prompt, "hi");
  EXPECT_EQ(read.system, "be brief");
  EXPECT_EQ(read.model, "m");
  EXPECT_EQ(read.backend, "mock");
  EXPECT_EQ(read.request_id, "r-1");
  EXPECT_EQ(read.user_id, "12");
  EXPECT_EQ(read.max_tokens, 5);
  EXPECT_EQ(read.temperature, 0.5);
  EXPECT_EQ(read.test_pattern, "p");
  ASSERT_NE(read.messages, nullptr);
  EXPECT_EQ(read.messages->Size(), 1u);
}

TEST_F(HandoffRequestTest, TakesOneNulForNoPayload) {
  const auto request = parse(std::string(1, '\0'));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request.value()->prompt, "");
  EXPECT_EQ(request.value()->messages, nullptr);
}

TEST_F(HandoffRequestTest, UnescapesText) {
  const auto request = parse(R"({"prompt":"h\u00e9 \"q\" \ud83d\ude00 \n \u0000!"})");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request.value()->prompt, std::string_view("h\xC3\xA9 \"q\" \xF0\x9F\x98\x80 \n \0!", 17));
}

TEST_F(HandoffRequestTest, ReadsAPromptOfAHundredThousandBytes) {
  const std::string prompt(100'000, 'p');
  const auto request = parse("{\"prompt\":\"" + prompt + "\"}");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request.value()->prompt, prompt);
}

TEST_F(HandoffRequestTest, TakesAUserIdOfEitherKindAndNullForAbsent) {
  EXPECT_EQ(parse(R"({"user_id":"u-7"})").value()->user_id, "u-7");
  EXPECT_EQ(parse(R"({"user_id":-3,"prompt":null})").value()->user_id, "-3");
}

TEST_F(HandoffRequestTest, TakesAnAnswerIdThatNeedsNoEscape) {
  const std::string longest(kMaxAnswerIdBytes, 'a');
  for (const std::string& id : {std::string("a"), std::string("Chat-7:b_2.c"), longest}) {
    EXPECT_EQ(parse("{\"answer_id\":\"" + id + "\"}").value()->answer_id, id);
  }
  for (const std::string& value : {std::string(R"("")"), std::string(R"("a b")"), std::string(R"("../a")"),
                                   std::string(R"("\u0000")"), std::string("7"), "\"a" + longest + "\""}) {
    EXPECT_EQ(mistake("{\"answer_id\":" + value + "}"),
              "the payload's field \"answer_id\" must be a string of 1 to 128 letters, digits and \"._:-\"")
        << value;
  }
}

TEST_F(HandoffRequestTest, ReadsTheHookThatGetsTheEndAndItsData) {
  const auto request = parse(R"({"on_end":"chat","on_end_data":{"row":7,"tags":["a"],"note":"\u00e9\"","none":null}})");
  EXPECT_EQ(request.value()->on_end, "chat");
  EXPECT_EQ(request.value()->on_end_data, "{\"row\":7,\"tags\":[\"a\"],\"note\":\"\xC3\xA9\\\"\",\"none\":null}");
  EXPECT_EQ(parse(R"({"on_end":"chat"})").value()->on_end_data, "");
  for (const std::string& value : {std::string("\"\""), std::string("[\"chat\"]"),
                                   "\"" + std::string(kMaxHookNameBytes + 1, 'h') + "\""}) {
    EXPECT_EQ(mistake("{\"on_end\":" + value + "}"), "the payload's field \"on_end\" must be the name of a hook");
  }
  const std::string largest(kMaxReportDataBytes - 2, 'd');
  EXPECT_TRUE(parse("{\"on_end_data\":\"" + largest + "\"}").ok());
  EXPECT_EQ(mistake("{\"on_end_data\":\"d" + largest + "\"}"),
            "the payload's field \"on_end_data\" must have at most 65536 bytes as JSON");
}

TEST_F(HandoffRequestTest, LetsAnAnswerWithAHookGoOnUnlessItSaysOtherwise) {
  EXPECT_TRUE(parse(R"({"on_end":"chat"})").value()->continue_without_client);
  EXPECT_TRUE(parse(R"({"on_disconnect":"","on_end":"chat"})").value()->continue_without_client);
  EXPECT_FALSE(parse(R"({"on_disconnect":"cancel","on_end":"chat"})").value()->continue_without_client);
}

TEST_F(HandoffRequestTest, TakesAnActionOnAnAnswerThatIsNamed) {
  EXPECT_EQ(parse("{}").value()->action, AnswerAction::kAsk);
  EXPECT_EQ(parse(R"({"answer_id":"a","action":"ask"})").value()->action, AnswerAction::kAsk);
  EXPECT_EQ(parse(R"({"answer_id":"a","action":"follow"})").value()->action, AnswerAction::kFollow);
  EXPECT_EQ(parse(R"({"answer_id":"a","action":"stop"})").value()->action, AnswerAction::kStop);
  EXPECT_EQ(mistake(R"({"answer_id":"a","action":"end"})"),
            "the payload's field \"action\" must be \"ask\", \"follow\" or \"stop\"");
  EXPECT_EQ(mistake(R"({"action":"stop"})"),
            "the payload's field \"action\" needs \"answer_id\", which names the answer");
}

TEST_F(HandoffRequestTest, TakesTheLastEventThatAClientHasSeen) {
  EXPECT_EQ(parse(R"({"after":7})").value()->after, "7");
  EXPECT_EQ(parse(R"({"after":"run-1"})").value()->after, "run-1");
  EXPECT_EQ(mistake(R"({"after":-1})"), "the payload's field \"after\" must be an event's number or id");
  EXPECT_EQ(parse(R"({"apache":{"last_event_id":"9"}})").value()->apache.last_event_id, "9");
  EXPECT_EQ(parse(R"({"apache":{"browser":"Mozilla/5.0"}})").value()->apache.browser, "Mozilla/5.0");
}

TEST_F(HandoffRequestTest, LetsAnAnswerWithANameOutliveItsClientUnlessToldOtherwise) {
  EXPECT_TRUE(parse(R"({"answer_id":"a"})").value()->continue_without_client);
  EXPECT_TRUE(parse(R"({"answer_id":"a","on_disconnect":""})").value()->continue_without_client);
  EXPECT_FALSE(parse(R"({"answer_id":"a","on_disconnect":"cancel"})").value()->continue_without_client);
  EXPECT_FALSE(parse("{}").value()->continue_without_client);
}

TEST_F(HandoffRequestTest, FindsWhatTheUserSaidLast) {
  EXPECT_EQ(parse(R"({"prompt":"p"})").value()->last_user_text(), "p");
  EXPECT_EQ(parse(R"({"prompt":"p","messages":[]})").value()->last_user_text(), "p");
  EXPECT_EQ(parse(R"({"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},)"
                  R"({"role":"assistant","content":"c"}]})")
                .value()
                ->last_user_text(),
            "b");
  EXPECT_EQ(parse(R"({"messages":[{"role":"user","content":[{"type":"image_url"},{"type":"text","text":"t"}]}]})")
                .value()
                ->last_user_text(),
            "t");
  EXPECT_EQ(parse(R"({"messages":[7,{"role":1,"content":2},{"role":"user"}]})").value()->last_user_text(), "");
}

TEST_F(HandoffRequestTest, SaysWhatIsWrongWithAField) {
  EXPECT_EQ(mistake(R"({"prompt":7})"), "the payload's field \"prompt\" must be a string");
  EXPECT_EQ(mistake(R"({"messages":"x"})"), "the payload's field \"messages\" must be an array");
  EXPECT_EQ(mistake(R"({"user_id":1.5})"), "the payload's field \"user_id\" must be an integer or a string");
  EXPECT_EQ(mistake("{\"user_id\":\"" + std::string(257, 'u') + "\"}"),
            "the payload's field \"user_id\" must have at most 256 bytes");
  EXPECT_EQ(mistake(R"({"max_tokens":0})"), "the payload's field \"max_tokens\" must be a positive integer");
  EXPECT_EQ(mistake(R"({"temperature":"hot"})"), "the payload's field \"temperature\" must be a number");
}

TEST_F(HandoffRequestTest, SaysWhatBecomesOfTheAnswerWhenTheClientLeaves) {
  EXPECT_FALSE(parse("{}").value()->continue_without_client);
  EXPECT_FALSE(parse(R"({"on_disconnect":"cancel"})").value()->continue_without_client);
  EXPECT_TRUE(parse(R"({"on_disconnect":"continue"})").value()->continue_without_client);
  EXPECT_EQ(mistake(R"({"on_disconnect":"stay"})"),
            "the payload's field \"on_disconnect\" must be \"cancel\" or \"continue\"");
}

TEST_F(HandoffRequestTest, TakesTheCompactFieldsOfLangGraphForThoseOfFullName) {
  auto request = parsed(R"({"lg":{"t":"t-1","a":"agent","p":"fast","m":["values"],"i":{"shop":7}}})");
  EXPECT_EQ(request->thread_id, "t-1");
  EXPECT_EQ(request->assistant_id, "agent");
  EXPECT_EQ(request->profile, "fast");
  ASSERT_NE(request->stream_mode, nullptr);
  EXPECT_STREQ((*request->stream_mode)[0].GetString(), "values");
  ASSERT_NE(request->langgraph_input, nullptr);
  EXPECT_EQ((*request->langgraph_input)["shop"].GetInt(), 7);

  request = parsed(R"({"thread_id":"t-2","stream_mode":"custom","lg":{"t":"t-1","m":"values"}})");
  EXPECT_EQ(request->thread_id, "t-2") << "the full name takes precedence";
  EXPECT_STREQ(request->stream_mode->GetString(), "custom");
}

TEST_F(HandoffRequestTest, SaysWhatIsWrongWithAFieldOfLangGraph) {
  EXPECT_EQ(mistake(R"({"lg":7})"), "the payload's field \"lg\" must be an object");
  EXPECT_EQ(mistake(R"({"lg":{"t":1}})"), "the payload's field \"lg.t\" must be a string");
  EXPECT_EQ(mistake(R"({"lg":{"i":[1]}})"), "the payload's field \"lg.i\" must be an object");
  EXPECT_EQ(mistake(R"({"stream_mode":["a",1]})"),
            "the payload's field \"stream_mode\" must be a string or an array of strings");
}

TEST_F(HandoffRequestTest, KnowsByTheProtocolWhetherTheClientTakesChunks) {
  for (const char* protocol : {"HTTP/1.1", "HTTP/2.0", "HTTP/2"}) {
    EXPECT_TRUE(parsed(R"({"apache":{"protocol":")" + std::string(protocol) + "\"}}")->apache.takes_chunks())
        << protocol;
  }
  for (const char* protocol : {"HTTP/1.0", "HTTP/0.9", "HTTP/", "", "http/1.1", "2"}) {
    EXPECT_FALSE(parsed(R"({"apache":{"protocol":")" + std::string(protocol) + "\"}}")->apache.takes_chunks())
        << protocol;
  }
  EXPECT_FALSE(parsed("{}")->apache.takes_chunks());
  EXPECT_FALSE(parsed(R"({"apache":{"protocol":1}})")->apache.takes_chunks());
}

TEST_F(HandoffRequestTest, TakesAProfileAloneFromLangGraphsFieldOfOtherDaemons) {
  EXPECT_EQ(parse(R"({"lg":"fast"})").value()->profile, "fast");
  EXPECT_EQ(parse(R"({"lg":"fast||"})").value()->profile, "fast");
  EXPECT_EQ(parse(R"({"profile":"mine","lg":"fast"})").value()->profile, "mine") << "the full name takes precedence";
  for (const char* lg : {"fast|http://evil|", "|http://evil", "fast||key"}) {
    EXPECT_NE(mistake("{\"lg\":\"" + std::string(lg) + "\"}").find("\"lg\" must not contain a URL or a key"),
              std::string::npos);
  }
}

TEST_F(HandoffRequestTest, TakesTheWholeBodyOfARun) {
  const auto request = parse(R"({"lg_body":{"assistant_id":"a","input":{"x":1}}})");
  ASSERT_TRUE(request.ok());
  ASSERT_NE((*request)->request, nullptr);
  EXPECT_STREQ((*(*request)->request)["assistant_id"].GetString(), "a");
  EXPECT_NE(mistake(R"({"lg_body":{},"request":{}})").find("both"), std::string::npos);
}

TEST_F(HandoffRequestTest, RefusesByNameWhatOtherDaemonsTake) {
  for (const char* field : {"langgraph_url", "langgraph_api_key"}) {
    EXPECT_TRUE(mistake("{\"prompt\":\"what is this?\",\"" + std::string(field) + "\":\"x\"}")
                    .starts_with("the payload's field \"" + std::string(field) + "\" is not accepted: "));
  }
}

TEST_F(HandoffRequestTest, TakesTheImagesAndFilesOfOtherDaemons) {
  const auto request = parse(R"({"attachments":{"a":"b"},"image_path":"c","image_paths":["d"],"image_base64":"ZQ==",)"
                             R"("image_mime_type":"image/png"})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_STREQ((*(*request)->attachments)["a"].GetString(), "b");
  EXPECT_EQ((*request)->image_path, "c");
  EXPECT_EQ((*request)->image_paths->Size(), 1u);
  EXPECT_EQ((*request)->image_base64, "ZQ==");
  EXPECT_EQ((*request)->image_mime_type, "image/png");
  EXPECT_EQ(mistake(R"({"attachments":"a"})"), "the payload's field \"attachments\" must be an array of paths, or an object "
                                               "with a path for each name");
  EXPECT_EQ(mistake(R"({"image_path":["a"]})"), "the payload's field \"image_path\" must be a string");
}

TEST_F(HandoffRequestTest, TakesPhpsEmptyArrayForAnEmptyObject) {
  const auto request = parse(R"({"response_headers":[],"request":[],"langgraph_input":[],"lg":[],"lg_body":null})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_TRUE((*request)->response_headers.empty());
  EXPECT_TRUE((*request)->langgraph_input->ObjectEmpty());
  const auto others = parse(R"({"lg":{"i":[]},"lg_body":[],"attachments":[],"attachment_types":[],"on_end_data":[]})");
  ASSERT_TRUE(others.ok()) << others.error().message;
  EXPECT_TRUE((*others)->langgraph_input->ObjectEmpty());
  EXPECT_TRUE((*others)->request->ObjectEmpty());
  EXPECT_EQ(mistake(R"({"request":[1]})"), "the payload's field \"request\" must be an object");
}

TEST_F(HandoffRequestTest, WritesNumbersInHeadersAsTheirText) {
  const auto request = parse(R"({"response_headers":{"X-A":5,"X-B":1.5,"X-C":true,"X-D":null,"X-E":"e"}})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  std::string read;
  for (const HeaderField& header : (*request)->response_headers) {
    read += std::string(header.name) + "=" + std::string(header.value) + ";";
  }
  EXPECT_EQ(read, "X-A=5;X-B=1.5;X-C=true;X-E=e;");
}

TEST_F(HandoffRequestTest, BoundsWhatIsShownInLogsAndMetrics) {
  const std::string longest(256, 'x'), longer(257, 'x');
  for (const std::string field : {"model", "request_id", "user_id"}) {
    EXPECT_TRUE(parse("{\"" + field + "\":\"" + longest + "\"}").ok());
    EXPECT_EQ(mistake("{\"" + field + "\":\"" + longer + "\"}"),
              "the payload's field \"" + field + "\" must have at most 256 bytes");
  }
  EXPECT_EQ(mistake("{\"request\":{\"model\":\"" + longer + "\"}}"),
            "the payload's field \"request.model\" must have at most 256 bytes");
  EXPECT_EQ(mistake("{\"test_pattern\":\"" + std::string(4097, 'x') + "\"}"),
            "the payload's field \"test_pattern\" must have at most 4096 bytes");
}

TEST_F(HandoffRequestTest, ReadsApachesHeadersAndThenItsOwn) {
  const auto request =
      parse(R"({"apache":{"headers":[["Set-Cookie","a=1"],["Set-Cookie","b=2"]],"uri":"/chat"},)"
            R"("response_headers":{"X-One":"1"}})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  std::string read;
  for (const HeaderField& header : request.value()->response_headers) {
    read += std::string(header.name) + "=" + std::string(header.value) + ";";
  }
  EXPECT_EQ(read, "Set-Cookie=a=1;Set-Cookie=b=2;X-One=1;");
}

TEST_F(HandoffRequestTest, BoundsTheHeadersOfTheAnswerTogether) {
  const auto with = [](std::size_t apaches, std::size_t own) {
    return R"({"apache":{"headers":[["X-A",")" + std::string(apaches, 'a') + R"("]]},"response_headers":{"X-B":")" +
           std::string(own, 'b') + R"("}})";
  };
  constexpr std::size_t kHalf = kMaxResponseHeaderBytes / 2 - std::string_view("X-A: \r\n").size();
  EXPECT_TRUE(parse(with(kHalf, kHalf)).ok());
  EXPECT_EQ(mistake(with(kHalf, kHalf + 1)),
            "the payload's field \"response_headers\" and what Apache forwards must have at most 24576 bytes together");
  EXPECT_FALSE(parse(with(2 * kHalf, kHalf)).ok());
}

TEST_F(HandoffRequestTest, ReadsWhatApacheSaysOfTheRequestAndLeavesOutWhatIsNoText) {
  const auto request =
      parse(R"({"apache":{"headers":[],"request_id":"Zx@1","client":["192.0.2.7"],"uri":"/chat"}})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request.value()->apache.request_id, "Zx@1");
  EXPECT_EQ(request.value()->apache.client, "");
  EXPECT_EQ(request.value()->apache.path, "/chat");
}

TEST_F(HandoffRequestTest, SaysWhatIsWrongWithHeaders) {
  EXPECT_EQ(mistake(R"({"apache":[]})"), "the payload's field \"apache\" must be an object");
  EXPECT_EQ(mistake(R"({"apache":{"headers":[["a"]]}})"),
            "the payload's field \"apache\" must have \"headers\" that are an array of pairs of strings");
  for (const char* headers : {R"("x")", R"([1])", R"({"a":{}})", R"({"a":["b"]})"}) {
    EXPECT_EQ(mistake("{\"response_headers\":" + std::string(headers) + "}"),
              "the payload's field \"response_headers\" must be an object of strings and numbers");
  }
}

TEST_F(HandoffRequestTest, RefusesAHeaderValueThatWouldInjectAHeader) {
  EXPECT_EQ(mistake(R"({"test_pattern":"a\r\nX-Evil: 1"})"),
            "the payload's field \"test_pattern\" must be a string without control characters");
}

TEST_F(HandoffRequestTest, RefusesWhatIsNotAJsonObject) {
  EXPECT_EQ(mistake("[1]"), "the payload must be a JSON object");
  EXPECT_EQ(mistake("\"text\""), "the payload must be a JSON object");
  EXPECT_NE(mistake("plain text").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake("").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake(R"({"prompt":"cut)").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake(R"({} {})").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake(std::string("{}\0x", 4)).find("not valid JSON"), std::string::npos);
}

TEST_F(HandoffRequestTest, RefusesTextThatIsNotUtf8) {
  EXPECT_NE(mistake("{\"prompt\":\"\xff\xfe\"}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake("{\"prompt\":\"\xC3\"}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake(R"({"prompt":"\ud83d alone"})").find("not valid JSON"), std::string::npos);
}

TEST_F(HandoffRequestTest, RefusesTextThatEndsInsideACharacter) {
  EXPECT_NE(mistake("{\"prompt\":\"hi\xf2,").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake("{\"prompt\":\"hi\xf0").find("not valid JSON"), std::string::npos);
}

TEST_F(HandoffRequestTest, RefusesTheSecondHalfOfASurrogatePairAlone) {
  EXPECT_NE(mistake(R"({"prompt":"\ude00"})").find("half a surrogate pair"), std::string::npos);
  EXPECT_NE(mistake(R"({"a":{"\ude00":1}})").find("half a surrogate pair"), std::string::npos);
  EXPECT_TRUE(parse(R"({"prompt":"\ud7ff \ue000 ퟿"})").ok()) << "its neighbours are characters";
}

TEST_F(HandoffRequestTest, RefusesANumberThatIsTooLarge) {
  EXPECT_NE(mistake(R"({"temperature":2e308})").find("not valid JSON"), std::string::npos);
  EXPECT_NE(mistake(R"({"messages":[{"x":-1e400}]})").find("not valid JSON"), std::string::npos);
}

TEST_F(HandoffRequestTest, RefusesAMemberThatIsThereTwiceAnywhere) {
  constexpr char kTwice[] = "an object has the member \"prompt\" twice";
  EXPECT_NE(mistake(R"({"prompt":"a","prompt":"b"})").find(kTwice), std::string::npos);
  EXPECT_NE(mistake(R"({"prompt":"a","x":1,"\u0070rompt":"b"})").find(kTwice), std::string::npos);
  EXPECT_NE(mistake(R"({"messages":[{"role":"user"},{"prompt":1,"content":[],"prompt":2}]})").find(kTwice),
            std::string::npos);
  EXPECT_NE(mistake(R"({"x":{"y":[[{"z":{"prompt":1,"prompt":2}}]]}})").find(kTwice), std::string::npos);
  EXPECT_NE(mistake(R"({"":1,"":2})").find("twice"), std::string::npos);
  EXPECT_TRUE(parse(R"({"prompt":"a","x":{"prompt":"b"},"y":[{"prompt":1},{"prompt":2}],"Prompt":3})").ok())
      << "in different objects, or other names";
}

TEST_F(HandoffRequestTest, ShowsOfARepeatedMembersNameWhatMayStandInALog) {
  EXPECT_NE(mistake(R"({"a\nb\u202e":1,"a\nb\u202e":2})").find("the member \"a\\u000ab\\u202e\" twice"), std::string::npos);
  const std::string name = "\"" + std::string(100'000, 'n') + "\":1";
  EXPECT_LT(mistake("{" + name + "," + name + "}").size(), 200u);
}

TEST_F(HandoffRequestTest, FindsTheOneRepeatedMemberOfAHundredThousand) {
  std::string members;
  for (int number = 0; number < 100'000; ++number) members += "\"member" + std::to_string(number) + "\":0,";
  EXPECT_TRUE(parse("{" + members + "\"last\":0}").ok());
  EXPECT_NE(mistake("{" + members + "\"member7\":0}").find("the member \"member7\" twice"), std::string::npos);
}

TEST_F(HandoffRequestTest, RefusesDeepNestingWithoutSpendingStackOnIt) {
  EXPECT_EQ(mistake(std::string(100'000, '[')),
            "the payload is not valid JSON: it is nested deeper than 64 levels (at byte 64)");
  std::string nested = "{\"a\":";
  for (std::uint32_t level = 0; level < kMaxJsonDepth - 1; ++level) nested += "[";
  std::string closing;
  for (std::uint32_t level = 0; level < kMaxJsonDepth - 1; ++level) closing += "]";
  EXPECT_TRUE(parse(nested + closing + "}").ok()) << "the limit itself is allowed";
  EXPECT_FALSE(parse(nested + "[" + "]" + closing + "}").ok());
}

TEST_F(HandoffRequestTest, ParsesTheNextPayloadAfterAMistake) {
  EXPECT_FALSE(parse("{\"prompt\":").ok());
  EXPECT_EQ(parse(R"({"prompt":"again"})").value()->prompt, "again");
}

}  // namespace
}  // namespace streaming
