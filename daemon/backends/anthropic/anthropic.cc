// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include "backends/anthropic/messages_reader.h"
#include "backends/anthropic/messages_request.h"
#include "backends/api_url.h"
#include "backends/request_body.h"
#include "backends/request_headers.h"
#include "backends/sse_session.h"

namespace streaming {
namespace {

// The API's only version so far: MessagesReader knows its events.
constexpr char kVersionHeader[] = "anthropic-version: 2023-06-01";

class AnthropicBackend final : public DirectBackend {
 public:
  explicit AnthropicBackend(const BackendEnvironment& environment)
      : config_(environment.config),
        http_(environment.http),
        events_(config_.max_event_bytes),
        headers_(standing_headers(config_, config_.anthropic_headers)) {
    headers_.emplace_back(kVersionHeader);
    if (!config_.anthropic_api_key.empty()) headers_.push_back("x-api-key: " + config_.anthropic_api_key);
  }

  std::string_view model(const HandoffRequest& request) const override {
    return model_of(request, config_.anthropic_model);
  }
  std::string_view format(const HandoffRequest&) const override { return config_.anthropic_format; }

  std::optional<Refusal> refusal_for(const HandoffRequest& request) const override {
    return refuse_model(config_.anthropic_api_base, model(request));
  }

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    HttpRequest http{.url = api_url(config_.anthropic_api_base, "/v1/messages", model(request)),
                     .headers = event_stream_headers(request, headers_),
                     .body = {},
                     .version = config_.anthropic_http2 ? HttpVersion::kNegotiated : HttpVersion::kHttp11,
                     .unix_socket = config_.anthropic_api_socket,
                     .ca_file = config_.backend_ca_file,
                     .insecure_ssl = config_.anthropic_insecure_ssl};
    set_body(http, messages_request(request, config_.anthropic_model, config_.anthropic_max_tokens), request);
    return std::make_unique<SseSession>(http_, std::move(http), std::make_unique<MessagesReader>(), events_, sink);
  }

 private:
  const Config& config_;
  HttpClient& http_;
  EventBudget events_;
  std::vector<std::string> headers_;  // of each request, the key among them
};

}  // namespace

std::unique_ptr<DirectBackend> make_anthropic_backend(const BackendEnvironment& environment) {
  return std::make_unique<AnthropicBackend>(environment);
}

}  // namespace streaming
