#include "sse/response_head.h"

#include <gtest/gtest.h>

#include <string>

namespace streaming {
namespace {

TEST(ResponseHead, OpensAnUncachedEventStreamThatEndsWithTheConnection) {
  Buffer out;
  append_stream_head(out);
  EXPECT_EQ(out.view(),
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: text/event-stream\r\n"
            "Cache-Control: no-cache\r\n"
            "Connection: close\r\n"
            "X-Accel-Buffering: no\r\n"
            "\r\n"
            ":\n\n");
}

TEST(ErrorResponse, IsAWholeAnswerWithAJsonBody) {
  Buffer out;
  append_error_response(out, HttpError{.status = 400, .message = "bad \"json\""});
  EXPECT_EQ(out.view(),
            "HTTP/1.1 400 Bad Request\r\n"
            "Content-Type: application/json\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n"
            "Content-Length: 25\r\n"
            "\r\n"
            "{\"error\":\"bad \\\"json\\\"\"}\n");
}

TEST(ErrorResponse, SaysWhenToComeAgain) {
  Buffer out;
  append_error_response(out, HttpError{.status = 503, .message = "full", .retry_after_seconds = 3});
  EXPECT_NE(out.view().find("HTTP/1.1 503 Service Unavailable\r\n"), std::string_view::npos);
  EXPECT_NE(out.view().find("\r\nRetry-After: 3\r\n"), std::string_view::npos);
}

}  // namespace
}  // namespace streaming
