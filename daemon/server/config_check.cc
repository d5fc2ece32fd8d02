// SPDX-License-Identifier: Apache-2.0
#include "server/config_check.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "answers/hook.h"
#include "backends/registry.h"
#include "base/base64.h"
#include "config/option.h"
#include "config/profile.h"

namespace streaming {

LogSettings log_settings(const Config& config) {
  return {config.log_level, config.log_format, config.log_file};
}

namespace {

// With two headers of one name it would be unclear which of them the API uses.
Status check_key_header(const ConfiguredHeaders& headers, const std::string& key, std::string_view name,
                        const std::string& place) {
  if (key.empty() || !has_header(headers, name)) return success();
  return Error{place + " has " + std::string(name) + ", which already has the API's key; set one of the two"};
}

Status check_key_headers(const Config& config) {
  struct Backend {
    const ConfiguredHeaders& headers;
    const std::string& key;
    std::string_view key_header;
    std::string_view setting;
  };
  const Backend backends[] = {
      {config.openai_headers, config.openai_api_key, config.openai_api_key_header, "backend.openai.headers"},
      {config.anthropic_headers, config.anthropic_api_key, "x-api-key", "backend.anthropic.headers"},
      {config.langgraph_headers, config.langgraph_api_key, "X-Api-Key", "backend.langgraph.headers"}};
  for (const Backend& backend : backends) {
    Status checked =
        check_key_header(backend.headers, backend.key, backend.key_header, source_of(config, backend.setting));
    if (!checked) return checked;
  }
  return success();
}

// Otherwise a request of the largest size that the other settings allow would be refused with 503 each time.
Status check_held_bytes(const Config& config) {
  std::int64_t least = config.max_payload_bytes;
  if (!config.attachments_data_dir.empty()) {
    least += static_cast<std::int64_t>(base64_size(static_cast<std::size_t>(config.attachments_max_total_bytes)));
  }
  least *= 2;  // with the body that the API gets
  if (config.max_held_bytes == 0 || config.max_held_bytes >= least) return success();
  return Error{source_of(config, "server.max_held_bytes") + " must be 0 or at least " + std::to_string(least) +
               ": one request may hold server.max_payload_bytes and, in base64, attachments.max_total_bytes, and the body "
               "for an API needs as much again"};
}

// Settings that have no effect without a store.
Status check_store(const Config& config) {
  if (!config.store_url.empty()) {
    const Result<StoreSettings> store = store_settings(config);
    return store ? success() : Status(store.error());
  }
  for (const auto& [key, is_set] : {std::pair{"limits.shared", config.limits_shared},
                                    std::pair{"store.required", config.store_required},
                                    std::pair{"answers.report_for_others", config.answers_report_for_others}}) {
    if (is_set) return Error{source_of(config, key) + " is true, which needs a store; set store.url"};
  }
  return success();
}

}  // namespace

std::string journal_directory(const Config& config) {
  if (!config.answers_journal_dir.empty()) return config.answers_journal_dir;
  const char* state = std::getenv("STATE_DIRECTORY");  // of the unit; several are separated by colons
  if (state == nullptr || *state == '\0') return {};
  return std::string(state, std::strcspn(state, ":")) + "/answers";
}

Result<StoreSettings> store_settings(const Config& config) {
  Result<StoreUrl> url = parse_store_url(config.store_url);
  if (!url) return Error{source_of(config, "store.url") + " " + url.error().message};
  if (!config.store_password.empty() && !url->password.empty()) {
    return Error{source_of(config, "store.url") + " has a password, and store.password too; set one of the two"};
  }
  if (!config.store_password.empty()) url->password = config.store_password;
  return StoreSettings{
      .url = std::move(*url), .prefix = config.store_prefix, .ca_file = config.store_ca_file, .timeout = config.store_timeout};
}

Status check_config(const Config& config) {
  if (Status checked = check_store(config); !checked) return checked;
  if (config.backend == kExecBackend && config.exec_commands.empty()) {
    return Error{source_of(config, "backend.provider") + " is exec, which needs programs; set backend.exec.commands"};
  }
  if (Status checked = check_held_bytes(config); !checked) return checked;
  for (const auto& [name, texts] : config.langgraph_profiles) {
    if (Status checked = check_key_headers(with_profile(config, kLangGraphProfiles, texts)); !checked) {
      return Error{"profile " + name + ": " + checked.error().message};
    }
  }
  if (const Result<Hooks> hooks = make_hooks(config); !hooks) return hooks.error();
  return check_key_headers(config);
}

}  // namespace streaming
