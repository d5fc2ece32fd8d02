// SPDX-License-Identifier: Apache-2.0
#include "config/named_commands.h"

#include <toml++/toml.h>

#include <sstream>

namespace streaming {
namespace {

const Error kMustBePrograms{"must be a table of programs with their arguments: { NAME = [\"/PATH/PROGRAM\", \"ARGUMENT\"] }"};

Result<std::vector<std::string>> words_of(const toml::node& node) {
  const toml::array* array = node.as_array();
  if (array == nullptr || array->empty()) return kMustBePrograms;
  std::vector<std::string> words;
  for (const toml::node& word : *array) {
    const auto* text = word.as_string();
    if (text == nullptr || text->get().find('\0') != std::string::npos) return kMustBePrograms;
    words.push_back(text->get());
  }
  if (!words.front().starts_with('/')) return Error{"must name each program by its full path, not " + words.front()};
  return words;
}

}  // namespace

Result<NamedCommands> parse_commands(std::string_view text) {
  NamedCommands commands;
  toml::table document;
  try {
    document = toml::parse("commands = " + std::string(text));
  } catch (const toml::parse_error&) {
    return kMustBePrograms;
  }
  const toml::table* table = document["commands"].as_table();
  if (document.size() != 1 || table == nullptr) return kMustBePrograms;
  for (const auto& [name, node] : *table) {
    Result<std::vector<std::string>> words = words_of(node);
    if (!words) return words.error();
    commands.emplace(name.str(), std::move(*words));
  }
  return commands;
}

std::string commands_text(const NamedCommands& commands) {
  toml::table table;
  table.is_inline(true);
  for (const auto& [name, words] : commands) {
    toml::array array;
    for (const std::string& word : words) array.push_back(word);
    table.insert(name, std::move(array));
  }
  std::ostringstream text;
  text << table;
  return text.str();
}

}  // namespace streaming
