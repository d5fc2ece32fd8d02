#include "backends/openai.h"

#include "backends/chat_completion.h"
#include "base/limits.h"
#include "sse/parser.h"

namespace streaming {
namespace {

constexpr int kStatusOk = 200;

class OpenAiSession final : public BackendSession, private HttpReceiver {
 public:
  OpenAiSession(HttpClient& http, HttpRequest request, EventSink& sink)
      : sink_(sink), parser_(kMaxUpstreamEventBytes), transfer_(http.start(std::move(request), *this)) {}

  void pause() override { transfer_->pause(); }
  void resume() override { transfer_->resume(); }
  void cancel() override {
    ended_ = true;
    transfer_.reset();
  }

 private:
  void on_head(const HttpHead& head) override {
    if (head.status != kStatusOk) fail(BackendFailure::kStatus, "status " + std::to_string(head.status));
  }

  void on_body(std::string_view bytes) override {
    if (ended_) return;
    const bool fits = parser_.feed(bytes, [this](SseEvent& event) { return on_event(event); });
    if (!fits && !ended_) fail(BackendFailure::kTooLarge, "an event is too large");
  }

  void on_finished(std::string_view error) override {
    if (ended_) return;
    // Some servers never send [DONE]: a finish reason and then the body's end is a good end, even a rude one.
    if (finish_reason_seen_) {
      end();
    } else if (error.empty()) {
      fail(BackendFailure::kTruncated, "the answer ended without [DONE] or a finish reason");
    } else {
      fail(anything_came_ ? BackendFailure::kTruncated : BackendFailure::kUnreachable, error);
    }
  }

  // False when the stream has ended.
  bool on_event(SseEvent& event) {
    anything_came_ = true;
    if (is_chat_completion_end(event.data)) {
      end();
      return false;
    }
    const ChatCompletionChunk chunk = parse_chat_completion_chunk(event.data);
    switch (chunk.kind) {
      case ChatCompletionChunk::Kind::kError:
        fail(BackendFailure::kReported, "an error event");
        return false;
      case ChatCompletionChunk::Kind::kMalformed:
        fail(BackendFailure::kMalformed, "an event is no JSON object");
        return false;
      case ChatCompletionChunk::Kind::kDelta:
        break;
    }
    if (chunk.finished) finish_reason_seen_ = true;
    if (chunk.text.empty()) {
      sink_.on_progress();
    } else {
      sink_.on_text(chunk.text);
    }
    return true;
  }

  void end() {
    ended_ = true;
    transfer_->let_finish();
    sink_.on_end();
  }
  void fail(BackendFailure failure, std::string_view detail) {
    ended_ = true;
    sink_.on_failure(failure, detail);
  }

  EventSink& sink_;
  SseParser parser_;
  bool anything_came_ = false;
  bool finish_reason_seen_ = false;
  bool ended_ = false;  // the sink was told, or does not want to know
  std::unique_ptr<HttpTransfer> transfer_;
};

class OpenAiBackend final : public Backend {
 public:
  explicit OpenAiBackend(const BackendEnvironment& environment)
      : config_(environment.config), http_(environment.http), url_(config_.openai_api_base) {
    while (url_.ends_with('/')) url_.pop_back();
    url_ += "/chat/completions";
  }

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    HttpRequest http{.url = url_,
                     .headers = {"Content-Type: application/json", "Accept: text/event-stream"},
                     .body = chat_completion_request(request, config_.openai_model),
                     .http2 = config_.openai_http2,
                     .insecure_ssl = config_.openai_insecure_ssl};
    if (!config_.openai_api_key.empty()) http.headers.push_back("Authorization: Bearer " + config_.openai_api_key);
    if (!request.test_pattern.empty()) http.headers.push_back("X-Test-Pattern: " + std::string(request.test_pattern));
    return std::make_unique<OpenAiSession>(http_, std::move(http), sink);
  }

 private:
  const Config& config_;
  HttpClient& http_;
  std::string url_;
};

}  // namespace

std::unique_ptr<Backend> make_openai_backend(const BackendEnvironment& environment) {
  return std::make_unique<OpenAiBackend>(environment);
}

Status validate_openai_backend(const Config& config) {
  const std::string& base = config.openai_api_base;
  if (!base.starts_with("http://") && !base.starts_with("https://")) {
    return Error{
        "the backend openai needs an http or https URL; set OPENAI_API_BASE, --openai-base or "
        "backend.openai.api_base (it is \"" +
        base + "\")"};
  }
  return success();
}

}  // namespace streaming
