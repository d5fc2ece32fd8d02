// SPDX-License-Identifier: Apache-2.0
#include "config/convert.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/printable.h"
#include "config/config_file.h"
#include "config/foreign_file.h"
#include "config/option_table.h"

namespace streaming {
namespace {

struct Renamed {
  std::string_view theirs, ours;
};
constexpr Renamed kRenamed[] = {
    {"backend.default_model", "backend.openai.model"},
    {"backend.mock.token_delay_ms", "backend.mock.message_delay_ms"},
    {"backend.mock.delay_ms", "backend.mock.message_delay_ms"},
};

// Settings that are not carried over, by the last part of their keys.
struct LeftOut {
  std::string_view name, instead;
};
constexpr LeftOut kLeftOut[] = {
    {"pprof_addr", "profile with perf or heaptrack"},
    {"mem_limit", "set MemoryHigh= in a drop-in of the unit"},
    {"gc_percent", "there is no garbage collector"},
    {"thread_pool", "calls of an API block no thread"},
    {"pool_size", "calls of an API block no thread; server.workers is the number of rings"},
    {"sqpoll", "there is no polling kernel thread, which would keep a CPU busy"},
    {"metrics_port", "write metrics.listen_addr = \"127.0.0.1:PORT\""},
};

std::string_view last_word(std::string_view key) {
  return key.substr(key.rfind('.') + 1);
}

// A comment must stay on its line.
std::string one_line(std::string_view text) {
  std::string line;
  append_printable(line, text);
  return line;
}

// The setting's value as text for the option.
Result<std::string> text_for(const Option& option, const ForeignSetting& setting) {
  std::string text;
  for (const std::string& value : setting.values) {
    if (&value != &setting.values.front()) text += ',';
    text += value;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  if (std::holds_alternative<FileMode>(option.value) && setting.is_number_or_word && is_number && text.front() != '0') {
    char octal[32];
    std::snprintf(octal, sizeof octal, "%llo", static_cast<unsigned long long>(number));
    return std::string(octal);
  }
  if (setting.key.ends_with("_secs")) {
    constexpr std::int64_t kMost = 1'000'000'000;
    if (!is_number || number < 0 || number > kMost) return must_be("a number of seconds", text);
    return std::to_string(number * 1000);
  }
  return text;
}

class Conversion {
 public:
  explicit Conversion(const std::string& path) : path_(path) {}

  void take(const ForeignSetting& setting) {
    const Option* option = option_for(setting.key);
    if (option == nullptr) return leave_out(setting, reason_for(setting.key));
    if (std::holds_alternative<Secret>(option->value)) {
      return leave_out(setting, "a key is not printed: put it into " + std::string(option->variable) +
                                    ", or into a file that " + std::string(option->key) + "_file names");
    }
    const Result<std::string> text = text_for(*option, setting);
    if (!text) return leave_out(setting, text.error().message);
    if (Status set = set_option(config_, *option, text.value()); !set) return leave_out(setting, set.error().message);
    config_.sources.insert_or_assign(std::string(option->key), setting.key);
  }

  std::string text() {
    pass_langgraph_events_on();
    std::string text = "# " + one_line(path_) + ", converted by streaming-daemon --convert.\n";
    if (!left_out_.empty()) text += "# Not carried over:\n" + left_out_;
    return text + "\n" + given_settings_text(config_);
  }

 private:
  static const Option* option_for(const std::string& key) {
    for (const Renamed& renamed : kRenamed) {
      if (key == renamed.theirs) return find_option(renamed.ours);
    }
    if (const Option* same = find_option(key)) return same;
    if (key.ends_with("_secs")) return find_option(key.substr(0, key.size() - 4) + "ms");
    // Some files use the flags as keys.
    std::string flag = "--" + std::string(last_word(key));
    std::replace(flag.begin(), flag.end(), '_', '-');
    for (const Option& option : option_table()) {
      if (option.flag == flag && !option.key.empty()) return &option;
    }
    return nullptr;
  }

  static std::string reason_for(const std::string& key) {
    for (const LeftOut& left_out : kLeftOut) {
      if (last_word(key) == left_out.name) return std::string(left_out.instead);
    }
    return "there is no such setting here";
  }

  void leave_out(const ForeignSetting& setting, const std::string& reason) {
    left_out_ += "#   line " + std::to_string(setting.line) + ": ";
    left_out_ += one_line(setting.key) + ": " + one_line(reason) + "\n";
  }

  // Other daemons pass on LangGraph's events unchanged.
  void pass_langgraph_events_on() {
    const bool is_used = std::any_of(config_.sources.begin(), config_.sources.end(), [](const auto& source) {
      return source.first.starts_with("backend.langgraph.");
    });
    if (!is_used && config_.backend != "langgraph") return;
    config_.langgraph_format = "raw";
    config_.sources.insert_or_assign("backend.langgraph.format", "");
  }

  const std::string& path_;
  Config config_;
  std::string left_out_;  // a line for each setting
};

}  // namespace

Result<std::string> convert_configuration(const std::string& path) {
  const Result<std::vector<ForeignSetting>> settings = read_foreign_file(path);
  if (!settings) return settings.error();
  Conversion conversion(path);
  for (const ForeignSetting& setting : settings.value()) conversion.take(setting);
  return conversion.text();
}

}  // namespace streaming
