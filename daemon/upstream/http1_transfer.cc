// SPDX-License-Identifier: Apache-2.0
#include "upstream/http1_transfer.h"

#include <utility>

#include "base/check.h"
#include "upstream/http1_connection.h"
#include "upstream/limits.h"
#include "upstream/redirect.h"
#include "upstream/url.h"

namespace streaming {

Http1Transfer::Http1Transfer(HttpRequest request, HttpReceiver& receiver, TimerWheel& timers)
    : request_(std::make_unique<HttpRequest>(std::move(request))),
      receiver_(&receiver),
      timers_(timers),
      resumed_(*this) {
}

Http1Transfer::~Http1Transfer() {
  if (connection_ != nullptr) connection_->on_transfer_gone(let_finish_ && !paused_);
}

void Http1Transfer::resume() {
  paused_ = false;
  if (connection_ != nullptr || error_ != nullptr) timers_.soon(resumed_);
}

void Http1Transfer::let_finish() {
  receiver_ = nullptr;
  let_finish_ = true;
}

void Http1Transfer::carried_by(Http1Connection* connection) {
  connection_ = connection;
  if (connection != nullptr) body_sent_ = 0;
}

// --- The request ----------------------------------------------------------------------------------------------------

Result<std::string> Http1Transfer::request_head() const {
  const std::optional<Url> url = parse_url(request_->url);
  CHECK(url);
  std::string head = "POST ";
  head.append(url->path).append(" HTTP/1.1\r\nHost: ").append(url->authority).append("\r\n");
  for (const std::string& line : request_->headers) {
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return Error{"the request's header " + line.substr(0, line.find(':')) + " has more than one line: correct its value"};
    }
    head.append(line).append("\r\n");
  }
  head.append("Content-Length: ").append(std::to_string(request_->body.size())).append("\r\n\r\n");
  return head;
}

std::string_view Http1Transfer::unsent_body() const {
  return request_ == nullptr ? std::string_view() : std::string_view(request_->body).substr(body_sent_);
}

// --- The answer -----------------------------------------------------------------------------------------------------

bool Http1Transfer::follow_redirect(const AnswerHead& head) {
  if (deaf() || redirects_ == kMaxRedirects) return false;
  std::optional<std::string> target = redirect_target(request_->url, head.status, head.location);
  if (!target) return false;
  ++redirects_;
  request_->url = std::move(*target);
  return true;
}

void Http1Transfer::on_head(const AnswerHead& head) {
  if (!deaf()) receiver_->on_head(head.view());
}

void Http1Transfer::on_body(std::string_view bytes) {
  CHECK(!deaf());
  receiver_->on_body(bytes);
}

void Http1Transfer::finish(std::string_view error) {
  CHECK(connection_ == nullptr);
  if (!deaf()) std::exchange(receiver_, nullptr)->on_finished(error);
}

void Http1Transfer::fail_soon(std::string error) {
  error_ = std::make_unique<std::string>(std::move(error));
  timers_.soon(resumed_);
}

void Http1Transfer::on_work(Work&) {
  if (paused_) return;
  if (connection_ != nullptr) return connection_->on_resumed();
  if (error_ == nullptr) return;
  const std::unique_ptr<std::string> error = std::move(error_);
  finish(*error);
}

}  // namespace streaming
