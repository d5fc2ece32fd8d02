#include "backends/openai.h"

#include "backends/chat_completion_reader.h"
#include "backends/chat_completion_request.h"

namespace streaming {
namespace {

class OpenAiBackend final : public Backend {
 public:
  explicit OpenAiBackend(const BackendEnvironment& environment)
      : config_(environment.config), http_(environment.http), url_(config_.openai_api_base) {
    while (url_.ends_with('/')) url_.pop_back();
    url_ += "/chat/completions";
  }

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    HttpRequest http{.url = url_,
                     .headers = event_stream_headers(request),
                     .body = chat_completion_request(request, config_.openai_model),
                     .http2 = config_.openai_http2,
                     .insecure_ssl = config_.openai_insecure_ssl};
    if (!config_.openai_api_key.empty()) http.headers.push_back("Authorization: Bearer " + config_.openai_api_key);
    return std::make_unique<SseSession>(http_, std::move(http), std::make_unique<ChatCompletionReader>(), sink);
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
