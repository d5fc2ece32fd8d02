// SPDX-License-Identifier: Apache-2.0
#include "server/warnings.h"

#include <string_view>
#include <utility>

#include "base/log.h"
#include "config/profile.h"
#include "files/file_reader.h"
#include "process/program.h"
#include "server/config_check.h"

namespace streaming {
namespace {

// A vendor's API needs a key; an operator's own server may not.
void add_missing_key(const Config& config, std::string_view backend, std::vector<std::string>& warnings) {
  const Config defaults;
  const bool openai = config.openai_api_base == defaults.openai_api_base && config.openai_api_key.empty() &&
                      config.openai_api_socket.empty();
  const bool anthropic = config.anthropic_api_base == defaults.anthropic_api_base && config.anthropic_api_key.empty() &&
                         config.anthropic_api_socket.empty();
  if (backend == "openai" && openai) {
    warnings.emplace_back("backend openai has no key; set OPENAI_API_KEY or api_key_file");
  }
  if (backend == "anthropic" && anthropic) {
    warnings.emplace_back("backend anthropic has no key; set ANTHROPIC_API_KEY or api_key_file");
  }
}

void add_missing_journal(const Config& config, std::vector<std::string>& warnings) {
  if (config.hooks.empty() || !journal_directory(config).empty()) return;
  warnings.emplace_back("reports of answers are in memory alone, and lost with the daemon; set answers.journal_dir");
}

void add_unverified(const std::string& whose, std::vector<std::string>& warnings) {
  warnings.push_back("insecure_ssl is on: the certificate of " + whose + " is not verified");
}

// What only newer kernels have, or what a container's filter of its time does not know.
void add_missing_calls(const Config& config, std::vector<std::string>& warnings) {
  if (!config.exec_commands.empty() && !can_watch_programs()) {
    warnings.emplace_back("programs of backend exec cannot be started: pidfd_open() of Linux 5.3 is missing or forbidden");
  }
  if (!config.attachments_data_dir.empty() && !can_open_beneath()) {
    warnings.emplace_back("attachments cannot be read: openat2() of Linux 5.6 is missing or forbidden");
  }
}

}  // namespace

std::vector<std::string> warnings_of(const Config& config) {
  std::vector<std::string> warnings = config.remarks;
  add_missing_key(config, config.backend, warnings);
  for (const std::string& backend : config.fallback) add_missing_key(config, backend, warnings);
  add_missing_journal(config, warnings);
  for (const auto& [backend, insecure] :
       {std::pair{"openai", config.openai_insecure_ssl}, std::pair{"anthropic", config.anthropic_insecure_ssl},
        std::pair{"langgraph", config.langgraph_insecure_ssl}}) {
    if (insecure) add_unverified(std::string("backend ") + backend, warnings);
  }
  for (const auto& [name, profile] : config.langgraph_profiles) {
    if (config.langgraph_insecure_ssl) continue;
    if (!with_profile(config, kLangGraphProfiles, profile).langgraph_insecure_ssl) continue;
    add_unverified("profile " + name + " of backend langgraph", warnings);
  }
  for (const auto& [name, hook] : config.hooks) {
    if (with_profile(config, kHooks, hook).hook_insecure_ssl) add_unverified("hook " + name, warnings);
  }
  add_missing_calls(config, warnings);
  return warnings;
}

void warn_of(const Config& config) {
  for (const std::string& warning : warnings_of(config)) log::warn("{}", warning);
}

}  // namespace streaming
