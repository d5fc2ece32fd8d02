// SPDX-License-Identifier: Apache-2.0
#include "backends/sse_session.h"

#include <ctime>
#include <string>
#include <utility>

#include "backends/json_fields.h"
#include "backends/retry_after.h"
#include "base/check.h"
#include "base/header_field.h"

namespace streaming {
namespace {

constexpr int kStatusOk = 200;

// Some servers label their event streams as text or bytes, or not at all; a page or a JSON object is no event stream.
// With a good status other than 200, which some frameworks have for each POST, the type must be text/event-stream.
bool may_be_event_stream(const HttpHead& head) {
  const std::string_view type = head.content_type.substr(0, head.content_type.find_first_of("; \t"));
  if (same_header_name(type, "text/event-stream")) return true;
  if (head.status != kStatusOk) return false;
  return type.empty() || same_header_name(type, "text/plain") || same_header_name(type, "application/octet-stream");
}

bool is_good(int status) {
  return status / 100 == 2;
}

bool is_compressed(const HttpHead& head) {
  return !head.content_encoding.empty() && !same_header_name(head.content_encoding, "identity");
}

// Whether an event is complete, although no blank line but the end of the body has ended it.
bool is_whole(std::string data) {
  JsonObject object;
  return data.starts_with("[DONE]") || object.parse_value(data);
}

}  // namespace

SseSession::SseSession(HttpClient& http, HttpRequest request, std::unique_ptr<AnswerReader> reader, EventBudget& events,
                       EventSink& sink)
    : sink_(sink),
      reader_(std::move(reader)),
      parser_(events.max_event_bytes()),
      unfinished_event_(events.share()),
      transfer_(http.start(std::move(request), *this)) {
}

void SseSession::pause() {
  CHECK(transfer_ != nullptr);
  transfer_->pause();
}

void SseSession::resume() {
  CHECK(transfer_ != nullptr);
  transfer_->resume();
}

void SseSession::cancel() {
  ended_ = true;
  transfer_.reset();
}

void SseSession::on_head(const HttpHead& head) {
  if (!is_good(head.status)) return fail_by_status(head);
  if (!may_be_event_stream(head)) {
    return fail(
        {.kind = FailureKind::kMalformed, .detail = "the answer is not an event stream", .status = head.status});
  }
  if (is_compressed(head)) {
    return fail({.kind = FailureKind::kCompressed,
                 .detail = "the answer is compressed, though the request forbids it (Accept-Encoding: identity)",
                 .status = head.status});
  }
  reader_->on_head(head);
}

void SseSession::fail_by_status(const HttpHead& head) {
  std::string detail = "status " + std::to_string(head.status);
  if (head.status / 100 == 3) detail += "; only a 307 or 308 to a URL of the same server is followed";
  fail({.kind = FailureKind::kStatus,
        .detail = detail,
        .status = head.status,
        .retry_after_seconds = retry_after_seconds(head, std::time(nullptr))});
}

void SseSession::on_body(std::string_view bytes) {
  if (ended_) return;
  // Comments count too: some gateways send them until the model answers.
  sink_.on_event({.kind = AnswerEvent::Kind::kProgress});
  const bool fits = parser_.feed(bytes, [this](SseEvent& event) { return on_event(event); });
  if (ended_) return;
  if (!fits) return fail({.kind = FailureKind::kTooLarge, .detail = "an event is too large (backend.max_event_bytes)"});
  if (!EventBudget::count(unfinished_event_, parser_.held())) {
    fail({.kind = FailureKind::kTooLarge, .detail = "the unfinished events of all streams are too large together"});
  }
}

void SseSession::on_finished(std::string_view error) {
  if (ended_) return;
  if (error.empty()) parser_.finish([this](SseEvent& event) { return is_whole(event.data) && on_event(event); });
  if (ended_) return;
  if (error.empty() ? reader_->may_end_with_body() : reader_->may_end()) {
    end();
  } else if (error.empty()) {
    fail({.kind = FailureKind::kTruncated, .detail = "the answer ended before it was whole"});
  } else {
    fail({.kind = anything_came_ ? FailureKind::kTruncated : FailureKind::kUnreachable, .detail = error});
  }
}

bool SseSession::on_event(SseEvent& event) {
  anything_came_ = true;
  // Without data it is a heartbeat, which npm's `openai` throws at.
  if (sink_.wants_upstream_events() && !event.data.empty()) {
    sink_.on_event({.kind = AnswerEvent::Kind::kUpstream, .text = event.data, .id = event.id, .name = event.type});
  }
  switch (reader_->read(event, sink_)) {
    case AnswerReader::Verdict::kGoesOn:
      return true;
    case AnswerReader::Verdict::kEnd:
      end();
      break;
    case AnswerReader::Verdict::kReported:
      fail({.kind = FailureKind::kReported, .detail = "an error event"});
      break;
    case AnswerReader::Verdict::kMalformed:
      fail({.kind = FailureKind::kMalformed, .detail = "an event is not what the API promises"});
      break;
  }
  return false;
}

void SseSession::end() {
  CHECK(!ended_);
  ended_ = true;
  reader_->finish(sink_);  // before: the sink may pause the transfer
  transfer_->let_finish();
  sink_.on_end(reader_->finish_reason());
}

void SseSession::fail(const BackendFailure& failure) {
  CHECK(!ended_);
  ended_ = true;
  sink_.on_failure(failure);
}

}  // namespace streaming
