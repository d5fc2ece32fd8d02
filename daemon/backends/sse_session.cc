#include "backends/sse_session.h"

#include <charconv>
#include <string>
#include <utility>

#include "backends/json_fields.h"
#include "base/header_field.h"
#include "base/limits.h"

namespace streaming {
namespace {

constexpr int kStatusOk = 200;

// Some servers name their event streams text or bytes, or not at all; a page or a JSON object is something else.
bool may_be_event_stream(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find_first_of("; \t"));
  for (const char* streamed : {"", "text/event-stream", "text/plain", "application/octet-stream"}) {
    if (same_header_name(type, streamed)) return true;
  }
  return false;
}

// Whether an event that only the body's end has ended lacks nothing.
bool is_whole(std::string data) {
  JsonObject object;
  return data.starts_with("[DONE]") || object.parse_value(data);
}

}  // namespace

int retry_after_seconds(const HttpHead& head) {
  const char* const end_of_text = head.retry_after.data() + head.retry_after.size();
  int seconds = 0;
  const auto [end, error] = std::from_chars(head.retry_after.data(), end_of_text, seconds);
  const bool whole = error == std::errc{} && end == end_of_text;
  return whole && seconds > 0 && seconds <= kMaxRetryAfterSeconds ? seconds : 0;
}

std::vector<std::string> event_stream_headers(const HandoffRequest& request) {
  std::vector<std::string> headers{"Content-Type: application/json", "Accept: text/event-stream"};
  auto pass_on = [&headers](std::string_view name, std::string_view value) {
    if (!value.empty()) headers.push_back(std::string(name) + ": " + std::string(value));
  };
  pass_on("X-Request-Id", request.request_id);
  pass_on("traceparent", request.traceparent);
  pass_on("X-Test-Pattern", request.test_pattern);
  return headers;
}

SseSession::SseSession(HttpClient& http, HttpRequest request, std::unique_ptr<AnswerReader> reader, EventSink& sink)
    : sink_(sink),
      reader_(std::move(reader)),
      parser_(kMaxUpstreamEventBytes),
      transfer_(http.start(std::move(request), *this)) {
}

void SseSession::cancel() {
  ended_ = true;
  transfer_.reset();
}

void SseSession::on_head(const HttpHead& head) {
  if (head.status == kStatusOk) {
    if (may_be_event_stream(head.content_type)) return reader_->on_head(head);
    return fail({.kind = FailureKind::kMalformed, .detail = "the answer is not an event stream", .status = kStatusOk});
  }
  const std::string detail = "status " + std::to_string(head.status);
  fail({.kind = FailureKind::kStatus,
        .detail = detail,
        .status = head.status,
        .retry_after_seconds = retry_after_seconds(head)});
}

void SseSession::on_body(std::string_view bytes) {
  if (ended_) return;
  // Comments count too: some gateways send them until the model has the first word.
  sink_.on_event({.kind = AnswerEvent::Kind::kProgress});
  const bool fits = parser_.feed(bytes, [this](SseEvent& event) { return on_event(event); });
  if (!fits && !ended_) fail({.kind = FailureKind::kTooLarge, .detail = "an event is too large"});
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
  ended_ = true;
  reader_->finish(sink_);  // before: the sink may pause the transfer
  transfer_->let_finish();
  sink_.on_end(reader_->finish_reason());
}

void SseSession::fail(const BackendFailure& failure) {
  ended_ = true;
  sink_.on_failure(failure);
}

}  // namespace streaming
