#include "server/warnings.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "config/profile.h"

namespace streaming {
namespace {

// A vendor's own API answers nobody without a key; a server of one's own may.
void warn_of_missing_key(const Config& config, std::string_view backend) {
  const Config defaults;
  const bool openai = config.openai_api_base == defaults.openai_api_base && config.openai_api_key.empty() &&
                      config.openai_api_socket.empty();
  const bool anthropic = config.anthropic_api_base == defaults.anthropic_api_base && config.anthropic_api_key.empty() &&
                         config.anthropic_api_socket.empty();
  if (backend == "openai" && openai) log::warn("backend openai has no key; set OPENAI_API_KEY or api_key_file");
  if (backend == "anthropic" && anthropic) {
    log::warn("backend anthropic has no key; set ANTHROPIC_API_KEY or api_key_file");
  }
}

}  // namespace

void warn_of(const Config& config) {
  warn_of_missing_key(config, config.backend);
  for (const std::string& backend : config.fallback) warn_of_missing_key(config, backend);
  for (const auto& [backend, insecure] :
       {std::pair{"openai", config.openai_insecure_ssl}, std::pair{"anthropic", config.anthropic_insecure_ssl},
        std::pair{"langgraph", config.langgraph_insecure_ssl}}) {
    if (insecure) log::warn("insecure_ssl is on: the certificate of backend {} is not verified", backend);
  }
  for (const auto& [name, profile] : config.langgraph_profiles) {
    if (config.langgraph_insecure_ssl || !with_profile(config, profile).langgraph_insecure_ssl) continue;
    log::warn("insecure_ssl is on: the certificate of profile {} of backend langgraph is not verified", name);
  }
}

}  // namespace streaming
