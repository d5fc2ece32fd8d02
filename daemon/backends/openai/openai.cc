// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <algorithm>
#include <iterator>

#include "backends/api_url.h"
#include "backends/openai/chat_completion_reader.h"
#include "backends/openai/chat_completion_request.h"
#include "backends/openai/responses_reader.h"
#include "backends/openai/responses_request.h"
#include "backends/request_body.h"
#include "backends/request_headers.h"
#include "backends/sse_session.h"
#include "base/header_field.h"

namespace streaming {
namespace {

constexpr std::string_view kBearerHeader = "Authorization";

// One of the vendor's APIs.
struct Api {
  std::string_view name;
  std::string_view path;
  std::string (*write_request)(const HandoffRequest& request, std::string_view default_model);
  std::unique_ptr<AnswerReader> (*make_reader)();
};

template <typename Reader>
std::unique_ptr<AnswerReader> make_reader() {
  return std::make_unique<Reader>();
}

constexpr Api kApis[] = {
    {"chat", "/chat/completions", chat_completion_request, make_reader<ChatCompletionReader>},
    {"responses", "/responses", responses_request, make_reader<ResponsesReader>},
};

HttpVersion openai_version(const Config& config) {
  if (config.openai_h2c) return HttpVersion::kHttp2PriorKnowledge;
  return config.openai_http2 ? HttpVersion::kNegotiated : HttpVersion::kHttp11;
}

const Api& api_of(const Config& config) {
  const auto* api = std::find_if(std::begin(kApis), std::end(kApis),
                                 [&](const Api& candidate) { return candidate.name == config.openai_api; });
  CHECK(api != std::end(kApis));  // the option table has no other
  return *api;
}

class OpenAiBackend final : public DirectBackend {
 public:
  explicit OpenAiBackend(const BackendEnvironment& environment)
      : config_(environment.config),
        http_(environment.http),
        api_(api_of(config_)),
        events_(config_.max_event_bytes),
        headers_(standing_headers(config_, config_.openai_headers)) {
    if (config_.openai_api_key.empty()) return;
    const bool bearer = same_header_name(config_.openai_api_key_header, kBearerHeader);
    headers_.push_back(config_.openai_api_key_header + ": " + (bearer ? "Bearer " : "") + config_.openai_api_key);
  }

  std::string_view model(const HandoffRequest& request) const override {
    return model_of(request, config_.openai_model);
  }
  std::string_view format(const HandoffRequest&) const override { return config_.openai_format; }

  std::optional<Refusal> refusal_for(const HandoffRequest& request) const override {
    return refuse_model(config_.openai_api_base, model(request));
  }

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    HttpRequest http{.url = api_url(config_.openai_api_base, api_.path, model(request)),
                     .headers = event_stream_headers(request, headers_),
                     .body = {},
                     .version = openai_version(config_),
                     .unix_socket = config_.openai_api_socket,
                     .ca_file = config_.backend_ca_file,
                     .insecure_ssl = config_.openai_insecure_ssl};
    set_body(http, api_.write_request(request, config_.openai_model), request);
    return std::make_unique<SseSession>(http_, std::move(http), api_.make_reader(), events_, sink);
  }

 private:
  const Config& config_;
  HttpClient& http_;
  const Api& api_;
  EventBudget events_;
  std::vector<std::string> headers_;  // of each request, the key among them
};

}  // namespace

std::unique_ptr<DirectBackend> make_openai_backend(const BackendEnvironment& environment) {
  return std::make_unique<OpenAiBackend>(environment);
}

}  // namespace streaming
