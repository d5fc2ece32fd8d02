// SPDX-License-Identifier: Apache-2.0
#include "sse/response_head.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sse/http_date.h"

namespace streaming {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(ResponseHead, OpensAnUncachedEventStreamThatEndsWithTheConnection) {
  Buffer out;
  append_stream_head(out, {.date = kDate, .chunked = false, .own = {}, .others = {}});
  EXPECT_EQ(out.view(),
            "HTTP/1.1 200 OK\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/event-stream\r\n"
            "Cache-Control: no-cache, no-transform\r\n"
            "Connection: close\r\n"
            "X-Accel-Buffering: no\r\n"
            "\r\n"
            ":\n\n");
}

std::string head_with(std::vector<HeaderField> headers) {
  Buffer out;
  append_stream_head(out, {.date = kDate, .chunked = false, .own = {}, .others = headers});
  return std::string(out.view());
}

TEST(ResponseHead, CarriesHeadersOfOthersEachAsOftenAsItIsGiven) {
  const std::string head = head_with({{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2; Path=/"}, {"Vary", ""}});
  EXPECT_NE(head.find("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nVary: \r\n\r\n:\n\n"), std::string::npos);
}

TEST(ResponseHead, CarriesTheDaemonsOwnHeadersToo) {
  const HeaderField own{"X-Own", "1"};
  const HeaderField other{"X-Other", "2"};
  Buffer out;
  append_stream_head(out, {.date = kDate, .chunked = false, .own = {&own, 1}, .others = {&other, 1}});
  EXPECT_NE(out.view().find("\r\nX-Own: 1\r\nX-Other: 2\r\n\r\n"), std::string::npos);
}

TEST(ResponseHead, SaysWhenTheBodyIsChunked) {
  Buffer out;
  append_stream_head(out, {.date = kDate, .chunked = true, .own = {}, .others = {}});
  EXPECT_NE(out.view().find("\r\nTransfer-Encoding: chunked\r\n"), std::string_view::npos);
}

TEST(ResponseHead, KeepsOfCacheControlWhatForbidsToKeepTheAnswer) {
  const auto cache_control = [](std::vector<HeaderField> headers) {
    const std::string head = head_with(std::move(headers));
    const std::size_t begin = head.find("Cache-Control: ");
    EXPECT_EQ(head.find("Cache-Control: ", begin + 1), std::string::npos) << head;
    return head.substr(begin, head.find('\r', begin) - begin);
  };
  EXPECT_EQ(cache_control({{"cache-control", "no-store, max-age=0"}}),
            "Cache-Control: no-cache, no-transform, no-store");
  EXPECT_EQ(cache_control({{"Cache-Control", "max-age=60 ,\tPRIVATE=\"x\""}, {"Cache-Control", " no-store "}}),
            "Cache-Control: no-cache, no-transform, no-store, private");
  for (const char* other : {"public, max-age=60", "x-no-store", "no-store-x", "", ",", "=private"}) {
    EXPECT_EQ(cache_control({{"Cache-Control", other}}), "Cache-Control: no-cache, no-transform") << other;
  }
}

TEST(HttpDate, WritesADateInTheHttpFormat) {
  HttpDate date;
  EXPECT_EQ(date.at(784111777), kDate);
  EXPECT_EQ(date.at(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(date.at(1772323200), "Sun, 01 Mar 2026 00:00:00 GMT");
}

TEST(ResponseHead, LeavesOutWhatWouldBreakIt) {
  EXPECT_EQ(head_with({{"X-A", "1\r\nX-Evil: 2"},
                       {"X-B", "1\n"},
                       {"X-C", std::string_view("\0", 1)},
                       {"X D", "1"},
                       {"X-E:", "1"},
                       {"", "1"},
                       {"X-\xC3\xA9", "1"}}),
            head_with({}));
}

TEST(ResponseHead, LeavesOutWhatWouldFrameTheStreamInAnotherWay) {
  EXPECT_EQ(head_with({{"content-length", "5"},
                       {"Transfer-Encoding", "chunked"},
                       {"CONNECTION", "keep-alive"},
                       {"Content-Type", "text/html"},
                       {"Content-Encoding", "gzip"}}),
            head_with({}));
}

TEST(ErrorResponse, WritesAnErrorAsACompleteResponseWithAJsonBody) {
  Buffer out;
  append_error_response(out, HttpError{400, {"bad \"json\"", "refused"}}, kDate);
  EXPECT_EQ(out.view(),
            "HTTP/1.1 400 Bad Request\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: application/json\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n"
            "Content-Length: 42\r\n"
            "\r\n"
            "{\"error\":\"bad \\\"json\\\"\",\"code\":\"refused\"}\n");
}

TEST(ErrorResponse, NamesEachStatusOfARefusalByItsReasonPhrase) {
  for (const auto& [status, phrase] :
       {std::pair{400, "400 Bad Request\r\n"}, {403, "403 Forbidden\r\n"}, {413, "413 Content Too Large\r\n"},
        {429, "429 Too Many Requests\r\n"}, {500, "500 Internal Server Error\r\n"},
        {503, "503 Service Unavailable\r\n"}}) {
    Buffer out;
    append_error_response(out, HttpError{status, {"no", "refused"}}, kDate);
    EXPECT_TRUE(out.view().starts_with(std::string("HTTP/1.1 ") + phrase)) << out.view();
  }
}

TEST(ErrorResponse, WritesRetryAfterInAnErrorResponse) {
  Buffer out;
  append_error_response(out, HttpError{503, {"full", "refused", 3}}, kDate);
  EXPECT_NE(out.view().find("HTTP/1.1 503 Service Unavailable\r\n"), std::string_view::npos);
  EXPECT_NE(out.view().find("\r\nRetry-After: 3\r\n"), std::string_view::npos);
  EXPECT_TRUE(out.view().ends_with("{\"error\":\"full\",\"code\":\"refused\",\"retry_after\":3}\n"));
}

TEST(ErrorResponse, HasNoBodyIfThereIsNoContent) {
  Buffer out;
  append_error_response(out, {204, {}}, "DATE");
  EXPECT_EQ(out.view(), "HTTP/1.1 204 No Content\r\nDate: DATE\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace streaming
