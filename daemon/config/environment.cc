// SPDX-License-Identifier: Apache-2.0
#include "config/environment.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "config/nearest.h"
#include "config/option_table.h"

namespace streaming {
namespace {

constexpr std::string_view kPrefixes[] = {"DAEMON_", "OPENAI_", "ANTHROPIC_", "LANGGRAPH_"};

struct OthersVariable {
  std::string_view name;
  std::string_view instead;
};

// Variables of other daemons, or of the vendors' own clients, that have another name here.
constexpr OthersVariable kOthersVariables[] = {
    {"ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"},
    {"ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"},
    {"DAEMON_DEFAULT_MODEL", "OPENAI_MODEL, ANTHROPIC_MODEL"},
    {"DAEMON_HANDOFF_TIMEOUT_SECS", "DAEMON_HANDOFF_TIMEOUT_MS, in milliseconds"},
    {"DAEMON_SHUTDOWN_TIMEOUT_SECS", "DAEMON_SHUTDOWN_TIMEOUT_MS, in milliseconds"},
    {"DAEMON_WRITE_TIMEOUT_SECS", "DAEMON_WRITE_TIMEOUT_MS, in milliseconds"},
    {"GOGC", "nothing: there is no garbage collector"},
    {"GOMEMLIMIT", "MemoryHigh= of the service's unit"},
    {"LANGGRAPH_API_URL", "LANGGRAPH_API_BASE"},
    {"MOCK_LATENCY_MS", "DAEMON_TOKEN_DELAY_MS, the time between two events"},
    {"OPENAI_BASE_URL", "OPENAI_API_BASE"},
};

std::vector<std::string_view> known_variables() {
  std::vector<std::string_view> known;
  for (const Option& option : option_table()) {
    if (!option.variable.empty()) known.push_back(option.variable);
  }
  return known;
}

bool looks_like_ours(std::string_view name) {
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::vector<std::string> remarks_on_variables(std::span<const std::string_view> environment) {
  const std::vector<std::string_view> known = known_variables();
  std::vector<std::string> remarks;
  for (const std::string_view entry : environment) {
    const std::string_view name = entry.substr(0, entry.find('='));
    if (name.size() + 1 >= entry.size() || std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string unknown = "the variable " + std::string(name) + " has no effect";
    const auto other = std::find_if(std::begin(kOthersVariables), std::end(kOthersVariables),
                                    [name](const OthersVariable& others) { return others.name == name; });
    if (other != std::end(kOthersVariables)) {
      remarks.push_back(unknown + "; use " + std::string(other->instead));
    } else if (looks_like_ours(name)) {
      remarks.push_back(unknown + did_you_mean(nearest(name, known)));
    }
  }
  return remarks;
}

Status apply_environment(Config& config) {
  for (const Option& option : option_table()) {
    if (option.variable.empty()) continue;
    const std::string variable(option.variable);
    const char* text = std::getenv(variable.c_str());
    if (text == nullptr || *text == '\0') continue;
    if (Status set = set_option(config, option, text); !set) return Error{variable + " " + set.error().message};
    config.sources.insert_or_assign(std::string(option.key), variable);
  }
  std::vector<std::string_view> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) environment.emplace_back(*entry);
  for (std::string& remark : remarks_on_variables(environment)) config.remarks.push_back(std::move(remark));
  return success();
}

}  // namespace streaming
