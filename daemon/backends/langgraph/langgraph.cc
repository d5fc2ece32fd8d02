// SPDX-License-Identifier: Apache-2.0
#include "backends/limits.h"
#include "backends/registry.h"

#include <map>

#include "backends/langgraph/langgraph_session.h"
#include "backends/request_headers.h"
#include "config/profile.h"

namespace streaming {
namespace {

constexpr std::string_view kContentBlocks = "blocks";

HttpVersion langgraph_version(const Config& config) {
  if (config.langgraph_h2c) return HttpVersion::kHttp2PriorKnowledge;
  return config.langgraph_http2 ? HttpVersion::kNegotiated : HttpVersion::kHttp11;
}

LangGraphEndpoint endpoint_of(const Config& config) {
  LangGraphEndpoint endpoint{.base = config.langgraph_api_base,
                             .settings = {.url = {},
                                          .headers = {},
                                          .body = {},
                                          .version = langgraph_version(config),
                                          .unix_socket = config.langgraph_api_socket,
                                          .ca_file = config.backend_ca_file,
                                          .insecure_ssl = config.langgraph_insecure_ssl},
                             .headers = standing_headers(config, config.langgraph_headers),
                             .defaults = {.assistant_id = config.langgraph_assistant_id,
                                          .stream_mode = config.langgraph_stream_mode,
                                          .content_blocks = config.langgraph_content_format == kContentBlocks},
                             .format = config.langgraph_format};
  if (!config.langgraph_api_key.empty()) endpoint.headers.push_back("X-Api-Key: " + config.langgraph_api_key);
  while (endpoint.base.ends_with('/')) endpoint.base.pop_back();
  return endpoint;
}

class LangGraphBackend final : public DirectBackend {
 public:
  explicit LangGraphBackend(const BackendEnvironment& environment)
      : cancellations_(environment.http, environment.timers),
        events_(environment.config.max_event_bytes),
        environment_{environment.http, environment.timers, threads_, cancellations_, events_},
        endpoint_(endpoint_of(environment.config)) {
    for (const auto& [name, texts] : environment.config.langgraph_profiles) {
      profiles_.emplace(name, endpoint_of(with_profile(environment.config, kLangGraphProfiles, texts)));
    }
  }

  std::optional<Refusal> refusal_for(const HandoffRequest& request) const override {
    if (find_endpoint(request.profile) == nullptr) return Refusal{400, "unknown profile"};
    if (!request.thread_id.empty() && !is_thread_id(request.thread_id)) {
      return Refusal{400, "thread_id must be at most " + std::to_string(kMaxThreadIdBytes) +
                              " letters, digits, hyphens, underscores, dots and colons"};
    }
    return std::nullopt;
  }

  std::string_view format(const HandoffRequest& request) const override {
    return find_endpoint(request.profile)->format;
  }

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    return std::make_unique<LangGraphSession>(environment_, *find_endpoint(request.profile), request, sink);
  }

  bool in_use() const override { return Backend::in_use() || !cancellations_.empty(); }

 private:
  // Null when there is no profile of that name.
  const LangGraphEndpoint* find_endpoint(std::string_view profile) const {
    if (profile.empty()) return &endpoint_;
    const auto found = profiles_.find(profile);
    return found == profiles_.end() ? nullptr : &found->second;
  }

  KnownThreads threads_;
  RunCancellations cancellations_;
  EventBudget events_;
  const LangGraphEnvironment environment_;
  const LangGraphEndpoint endpoint_;
  std::map<std::string, LangGraphEndpoint, std::less<>> profiles_;
};

}  // namespace

std::unique_ptr<DirectBackend> make_langgraph_backend(const BackendEnvironment& environment) {
  return std::make_unique<LangGraphBackend>(environment);
}

}  // namespace streaming
