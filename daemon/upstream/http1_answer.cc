// SPDX-License-Identifier: Apache-2.0
#include "upstream/http1_answer.h"

// Beast asserts how many bytes of a cut last chunk come, which is the server's affair; its code takes any number.
#define BOOST_DISABLE_ASSERTS
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/check.h"
#include "upstream/limits.h"

namespace streaming {

namespace http = boost::beast::http;

class Http1Answer::Parser final : public http::basic_parser<false> {
 public:
  Parser() : head(std::make_unique<AnswerHead>()) {
    body_limit(std::numeric_limits<std::uint64_t>::max());  // Boost 1.74 takes boost::none for zero
    header_limit(kMaxUpstreamHeadBytes);
  }

  std::unique_ptr<AnswerHead> head;  // null when it was taken: trailers are dropped
  std::string_view body;             // what put() has found

 private:
  using Error = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(http::verb, Text, Text, int, Error&) override {}
  void on_response_impl(int status, Text, int, Error&) override { head->status = status; }
  void on_field_impl(http::field, Text name, Text value, Error& error) override {
    if (head == nullptr) return;
    if (!head->add({name.data(), name.size()}, {value.data(), value.size()})) error = http::error::header_limit;
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(Text bytes, Error&) override { return take(bytes); }
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Error&) override { return take(bytes); }
  void on_finish_impl(Error&) override {}

  std::size_t take(Text bytes) {
    body = {bytes.data(), bytes.size()};
    return bytes.size();
  }
};

Http1Answer::Http1Answer() = default;
Http1Answer::~Http1Answer() = default;

void Http1Answer::expect() {
  CHECK(parser_ == nullptr);
  parser_ = std::make_unique<Parser>();
  begun_ = has_head_ = false;
}

void Http1Answer::drop() {
  parser_.reset();
}

Http1Answer::Piece Http1Answer::read(std::string_view bytes) {
  CHECK(!bytes.empty() && !done());
  begun_ = true;
  Piece piece;
  boost::beast::error_code error;
  parser_->body = {};
  piece.size = parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  piece.incomplete = error == http::error::need_more;
  if (error && !piece.incomplete) {
    piece.error = "it is no HTTP/1.1: " + error.message();
    return piece;
  }
  piece.body = parser_->body;
  if (has_head_ || !parser_->is_header_done()) return piece;
  constexpr int kSwitchingProtocols = 101;
  constexpr int kFirstFinalStatus = 200;
  if (parser_->head->status == kSwitchingProtocols) {
    piece.error = "it switches protocols, which nobody has asked for";
  } else if (parser_->head->status < kFirstFinalStatus) {
    parser_ = std::make_unique<Parser>();
  } else {
    piece.head = has_head_ = true;
  }
  return piece;
}

bool Http1Answer::end() {
  if (!parser_->got_some()) return false;
  boost::beast::error_code error;
  parser_->put_eof(error);
  return !error;
}

bool Http1Answer::done() const {
  return parser_->is_done();
}

bool Http1Answer::keeps_connection() const {
  return parser_->keep_alive();
}

std::unique_ptr<AnswerHead> Http1Answer::take_head() {
  CHECK(parser_->head != nullptr);
  return std::move(parser_->head);
}

}  // namespace streaming
