// SPDX-License-Identifier: Apache-2.0
#include "config/config_file.h"

#include <unistd.h>

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "config/nearest.h"
#include "config/option_table.h"
#include "config/profile.h"
#include "config/secret_file.h"
#include "config/text_file.h"

namespace streaming {
namespace {

constexpr const char* kDefaultPlaces[] = {"./streaming-daemon.toml", "/etc/streaming-daemon/config.toml",
                                          "/etc/streaming-daemon.toml"};
constexpr std::size_t kLargestConfigFile = 1024 * 1024;

bool is_list(const Option& option) {
  return std::holds_alternative<WordList>(option.value) || std::holds_alternative<UserList>(option.value);
}

// Sets one key after another, and stops at the first mistake.
class TomlReader {
 public:
  TomlReader(const std::string& path, Config& config) : path_(path), config_(config) {}

  // `prefix` is the name of a known section, with a dot after it; empty: the top of the file.
  Status read(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      const bool is_hook = prefix == kHooks.prefix && node.is_table() && find_option(key) == nullptr;
      Status set = key == kLangGraphProfiles.table ? read_profiles(node)
                   : is_hook                       ? read_profile(kHooks, std::string(name.str()), node)
                   : is_section(key)               ? read_section(node, key)
                                                   : set_key(key, node);
      if (!set) return set;
    }
    return success();
  }

 private:
  Status read_profiles(const toml::node& node) {
    const ProfileKind& kind = kLangGraphProfiles;
    if (!node.is_table()) return mistake(node, std::string(kind.table) + " must be a table of tables");
    for (const auto& [name, profile] : *node.as_table()) {
      if (Status read = read_profile(kind, std::string(name.str()), profile); !read) return read;
    }
    return success();
  }

  Status read_profile(const ProfileKind& kind, const std::string& profile, const toml::node& table) {
    const std::string place = std::string(kind.table) + "." + profile;
    if (!table.is_table()) return mistake(table, place + " must be a table");
    const std::string prefix = place + ".";
    ProfileTexts& texts = (config_.*kind.profiles)[profile];
    for (const auto& [name, node] : *table.as_table()) {
      const std::string key(name.str());
      const Option* option = find_profile_option(kind, key);
      if (option == nullptr) {
        return mistake(node, "unknown key " + prefix + key + did_you_mean(nearest(key, profile_keys(kind))));
      }
      Config tried;
      if (Status set = set_value(tried, *option, node); !set) {
        return mistake(node, prefix + key + " " + set.error().message);
      }
      texts.insert_or_assign(key, text_of(*option, node));
      config_.sources.insert_or_assign(prefix + key, place_of(node) + prefix + key);
      if (is_secret(tried, *option)) note_exposure(config_, path_, prefix + key);
    }
    return success();
  }

  Status read_section(const toml::node& node, const std::string& section) {
    if (!node.is_table()) return mistake(node, section + " must be a section, with its keys below [" + section + "]");
    return read(*node.as_table(), section + ".");
  }

  Status set_key(const std::string& key, const toml::node& node) {
    const Option* option = find_option(key);
    if (option == nullptr) return unknown(key, node);
    Status set = set_value(config_, *option, node);
    if (!set) return mistake(node, key + " " + set.error().message);
    config_.sources.insert_or_assign(key, place_of(node) + key);
    if (is_secret(config_, *option)) note_exposure(config_, path_, key);
    return set;
  }

  // Whether the value is a secret, or a URL that contains one.
  static bool is_secret(const Config& config, const Option& option) {
    if (const auto* secret = std::get_if<Secret>(&option.value)) return !(config.*secret->member).empty();
    const auto* text = std::get_if<Text>(&option.value);
    return text != nullptr && option_text(config, option) != config.*text->member;
  }

  static bool is_section(const std::string& key) {
    const std::span<const Option> options = option_table();
    return std::any_of(options.begin(), options.end(),
                       [&](const Option& option) { return option.key.starts_with(key + "."); });
  }

  Error unknown(const std::string& key, const toml::node& node) const {
    std::vector<std::string_view> known;
    for (const Option& option : option_table()) {
      if (option.key.empty()) continue;
      known.push_back(node.is_table() ? option.key.substr(0, option.key.rfind('.')) : option.key);
    }
    const std::string meant(nearest(key, known));
    if (!node.is_table()) return mistake(node, "unknown key " + key + did_you_mean(meant));
    return mistake(node, "unknown section [" + key + "]" + did_you_mean(meant.empty() ? "" : "[" + meant + "]"));
  }

  static Status set_value(Config& config, const Option& option, const toml::node& node) {
    const bool is_list_option = is_list(option);
    // Any text is valid for them, even a number's, so require quotation marks.
    const bool any_text = std::holds_alternative<Text>(option.value) || std::holds_alternative<Secret>(option.value);
    if ((any_text && !node.is_string()) || (is_list_option && !node.is_string() && !node.is_array())) {
      const std::string what = any_text ? "a text in quotation marks" : "a list of texts";
      if (std::holds_alternative<Secret>(option.value)) return Error{"must be " + what};
      return must_be(what, text_of(option, node));
    }
    if (std::holds_alternative<FileMode>(option.value) && is_decimal(node)) {
      return must_be("an octal file mode, such as 0o660 or \"0660\"", text_of(option, node));
    }
    return set_option(config, option, text_of(option, node));
  }

  static bool is_octal(const toml::value<std::int64_t>& number) {
    return (number.flags() & toml::value_flags::format_as_octal) == toml::value_flags::format_as_octal;
  }
  static bool is_decimal(const toml::node& node) {
    const auto* number = node.as_integer();
    return number != nullptr && !is_octal(*number);
  }

  // The value as text. If its type does not fit the option, a text that the option does not accept.
  static std::string text_of(const Option& option, const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    if (const auto* number = node.as_integer(); number != nullptr && is_octal(*number)) {
      char octal[32];
      std::snprintf(octal, sizeof octal, "0o%llo", static_cast<unsigned long long>(number->get()));
      return octal;
    }
    if (const auto* array = node.as_array(); array != nullptr && is_list(option)) {
      return text_of_items(*array, std::holds_alternative<UserList>(option.value));
    }
    std::ostringstream text;
    node.visit([&text](const auto& value) {
      if constexpr (toml::is_table<decltype(value)>) {
        toml::table one_line = value;
        one_line.is_inline(true);
        text << one_line;
      } else {
        text << value;
      }
    });
    return text.str();
  }

  static std::string text_of_items(const toml::array& array, bool may_be_numbers) {
    std::string text;
    for (const toml::node& node : array) {
      if (&node != array.get(0)) text += ',';
      const auto* word = node.as_string();
      const auto* number = may_be_numbers ? node.as_integer() : nullptr;
      text += word != nullptr ? word->get() : number != nullptr ? std::to_string(number->get()) : ",";
    }
    return text;
  }

  std::string place_of(const toml::node& node) const {
    return path_ + ":" + std::to_string(node.source().begin.line) + ": ";
  }
  Error mistake(const toml::node& node, const std::string& message) const { return Error{place_of(node) + message}; }

  const std::string& path_;
  Config& config_;
};

// The table that contains `key`, created if it is missing; `key` becomes its last part.
toml::table& section_of(toml::table& root, std::string_view& key) {
  toml::table* section = &root;
  for (std::size_t dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
    section = section->insert(key.substr(0, dot), toml::table{}).first->second.as_table();
    key.remove_prefix(dot + 1);
  }
  return *section;
}

void insert(toml::table& section, std::string_view name, const Option& option, const std::string& text) {
  if (std::holds_alternative<Boolean>(option.value)) {
    section.insert(name, text == "true");
  } else if (std::holds_alternative<FileMode>(option.value)) {
    section.insert(name, toml::value<std::int64_t>(std::stoll(text, nullptr, 8)), toml::value_flags::format_as_octal);
  } else if (std::holds_alternative<Integer>(option.value) || std::holds_alternative<Milliseconds>(option.value)) {
    section.insert(name, static_cast<std::int64_t>(std::stoll(text)));
  } else if (is_list(option)) {
    toml::array words;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      words.push_back(rest.substr(0, comma));
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    section.insert(name, std::move(words));
  } else {
    section.insert(name, text);
  }
}

// Leaves out secrets, because the table will be printed.
template <typename Predicate>
toml::table table_of(const Config& config, const Predicate& is_wanted) {
  toml::table root;
  for (const Option& option : option_table()) {
    if (option.key.empty() || std::holds_alternative<Secret>(option.value) || !is_wanted(option)) continue;
    std::string_view name = option.key;
    toml::table& section = section_of(root, name);
    insert(section, name, option, option_text(config, option));
  }
  return root;
}

std::string text_of(const toml::table& root) {
  std::ostringstream text;
  text << root << "\n";
  return text.str();
}

void insert_profiles(toml::table& root, const Config& config, const ProfileKind& kind) {
  for (const auto& [name, texts] : config.*kind.profiles) {
    std::string_view table = kind.table;
    toml::table& profiles = *section_of(root, table).insert(table, toml::table{}).first->second.as_table();
    toml::table& profile = *profiles.insert(name, toml::table{}).first->second.as_table();
    for (const auto& [key, text] : texts) {
      const Option& option = *find_profile_option(kind, key);
      if (std::holds_alternative<Secret>(option.value)) continue;
      insert(profile, key, option, option_text(with_profile(config, kind, texts), option));
    }
  }
}

}  // namespace

Status read_config_file(const std::string& path, Config& config) {
  const Result<std::string> text = read_text_file(path, kLargestConfigFile);
  if (!text) return text.error();
  try {
    return TomlReader(path, config).read(toml::parse(*text), "");
  } catch (const toml::parse_error& error) {
    return Error{path + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description())};
  }
}

std::string config_file_text(const Config& config) {
  toml::table root = table_of(config, [](const Option&) { return true; });
  for (const ProfileKind& kind : kProfileKinds) insert_profiles(root, config, kind);
  return text_of(root);
}

std::string given_settings_text(const Config& config) {
  return text_of(table_of(config, [&](const Option& option) { return config.sources.contains(option.key); }));
}

std::string find_config_file() {
  for (const char* place : kDefaultPlaces) {
    if (access(place, F_OK) == 0) return place;
  }
  return {};
}

}  // namespace streaming
