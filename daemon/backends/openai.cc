#include "backends/openai.h"

#include <unistd.h>

#include <cerrno>

#include "backends/chat_completion_reader.h"
#include "backends/chat_completion_request.h"

namespace streaming {
namespace {

HttpVersion http_version(const Config& config) {
  if (config.openai_h2c) return HttpVersion::kHttp2PriorKnowledge;
  return config.openai_http2 ? HttpVersion::kNegotiated : HttpVersion::kHttp11;
}

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
                     .version = http_version(config_),
                     .unix_socket = config_.openai_api_socket,
                     .ca_file = config_.backend_ca_file,
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
  if (!config.backend_ca_file.empty() && access(config.backend_ca_file.c_str(), R_OK) != 0) {
    return Error::from_errno("cannot read ca_file " + config.backend_ca_file, errno);
  }
  return success();
}

}  // namespace streaming
