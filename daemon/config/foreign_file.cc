// SPDX-License-Identifier: Apache-2.0
#include "config/foreign_file.h"

#include <toml++/toml.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "base/utf8.h"
#include "config/text_file.h"

namespace streaming {
namespace {

using Settings = std::vector<ForeignSetting>;

constexpr char kTooDeep[] = "nested too deep";
constexpr char kTooLong[] = "the key is too long";

Error mistake(const std::string& path, std::size_t line, const std::string& message) {
  return Error{path + ":" + std::to_string(line) + ": " + message};
}

// --- YAML ------------------------------------------------------------------------------------------------------------

// Handles the parser's events one by one, so that no tree is built. After the first mistake it ignores the rest: the
// parser reads on to the end, but the file's size is bounded.
class YamlReader final : public YAML::EventHandler {
 public:
  struct Mistake {
    std::size_t line;
    std::string message;
  };

  const std::optional<Mistake>& mistake() const { return mistake_; }
  Settings take() { return std::move(settings_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (mistake_ || open_.empty() || open_.back().is_list) return;
    if (!open_.back().has_key) return refuse(mark, "a key is missing");
    open_.back().has_key = false;  // a key without a value means the default
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "aliases (*NAME) are not accepted"); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    if (mistake_) return;
    if (open_.empty()) return refuse(mark, "the file must be a mapping, such as 'server:'");
    Container& inside = open_.back();
    if (!inside.is_list && !inside.has_key) {
      inside.key = value;
      inside.has_key = true;
      if (path().size() > kLongestForeignKey) return refuse(mark, kTooLong);
      if (!keys_.insert(path()).second) refuse(mark, path() + " appears twice");
      return;
    }
    if (!inside.is_list) add(mark);
    settings_.back().values.push_back(value);
    settings_.back().is_number_or_word = tag == "?";
    inside.has_key = false;
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    if (mistake_) return;
    if (open_.empty() || open_.back().is_list || !open_.back().has_key) return refuse(mark, "a list is out of place");
    add(mark);
    open_.push_back({.is_list = true});
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    if (mistake_) return;
    const bool in_place = open_.empty() || (!open_.back().is_list && open_.back().has_key);
    if (!in_place) return refuse(mark, "a mapping is out of place");
    if (open_.size() > kDeepestForeignSection) return refuse(mark, kTooDeep);
    open_.push_back({});
  }
  void OnMapEnd() override { close(); }

 private:
  struct Container {
    bool is_list = false;
    bool has_key = false;  // the value of `key` comes next
    std::string key = {};
  };

  void add(const YAML::Mark& mark) {
    settings_.push_back({.key = path(), .line = static_cast<std::size_t>(mark.line) + 1, .values = {}});
  }

  void close() {
    if (mistake_) return;
    open_.pop_back();
    if (!open_.empty()) open_.back().has_key = false;
  }

  std::string path() const {
    std::string path;
    for (const Container& container : open_) {
      if (!container.is_list) path += (path.empty() ? "" : ".") + container.key;
    }
    return path;
  }

  void refuse(const YAML::Mark& mark, const std::string& message) {
    if (!mistake_) mistake_ = {static_cast<std::size_t>(mark.line) + 1, message};
  }

  std::vector<Container> open_;
  std::set<std::string> keys_;
  Settings settings_;
  std::optional<Mistake> mistake_;
};

Result<Settings> read_yaml(const std::string& path, const std::string& text) {
  if (!is_utf8(text)) return Error{path + ": is not UTF-8"};  // the parser would accept it
  std::istringstream stream(text);
  YamlReader reader;
  try {
    YAML::Parser parser(stream);
    const bool is_there = parser.HandleNextDocument(reader);
    if (reader.mistake()) return mistake(path, reader.mistake()->line, reader.mistake()->message);
    if (is_there && parser.HandleNextDocument(reader)) return Error{path + ": holds more than one document"};
  } catch (const YAML::Exception& error) {
    return mistake(path, static_cast<std::size_t>(error.mark.line) + 1, error.msg);
  }
  return reader.take();
}

// --- TOML ------------------------------------------------------------------------------------------------------------

class ForeignTomlReader {
 public:
  explicit ForeignTomlReader(const std::string& path) : path_(path) {}

  Status read(const toml::table& table, const std::string& prefix, std::size_t depth) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      if (key.size() > kLongestForeignKey) return mistake(path_, line_of(node), kTooLong);
      if (const toml::table* inner = node.as_table()) {
        if (depth == kDeepestForeignSection) return mistake(path_, line_of(node), kTooDeep);
        if (Status below = read(*inner, key + ".", depth + 1); !below) return below;
        continue;
      }
      settings_.push_back({.key = key, .line = line_of(node), .values = {}, .is_number_or_word = !node.is_string()});
      if (const toml::array* list = node.as_array()) {
        for (const toml::node& item : *list) {
          if (!item.is_value()) return mistake(path_, line_of(item), "a list of lists or tables is not accepted");
          settings_.back().values.push_back(text_of(item));
        }
      } else {
        settings_.back().values.push_back(text_of(node));
      }
    }
    return success();
  }

  // Restores the file's order, because toml++ sorts keys by name.
  Settings take() {
    std::stable_sort(settings_.begin(), settings_.end(),
                     [](const ForeignSetting& left, const ForeignSetting& right) { return left.line < right.line; });
    return std::move(settings_);
  }

 private:
  static std::size_t line_of(const toml::node& node) { return node.source().begin.line; }

  static std::string text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer();
        number != nullptr && (number->flags() & toml::value_flags::format_as_octal) != toml::value_flags::none) {
      char octal[32];
      std::snprintf(octal, sizeof octal, "0o%llo", static_cast<unsigned long long>(number->get()));
      return octal;
    }
    std::ostringstream text;
    node.visit([&text](const auto& value) { text << value; });
    return text.str();
  }

  const std::string& path_;
  Settings settings_;
};

Result<Settings> read_toml(const std::string& path, const std::string& text) {
  try {
    ForeignTomlReader reader(path);
    if (Status read = reader.read(toml::parse(text), "", 0); !read) return read.error();
    return reader.take();
  } catch (const toml::parse_error& error) {
    return mistake(path, error.source().begin.line, std::string(error.description()));
  }
}

}  // namespace

Result<std::vector<ForeignSetting>> read_foreign_file(const std::string& path) {
  const std::string_view name = path;
  const bool is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
  if (!is_yaml && !name.ends_with(".toml")) return Error{path + ": the name must end in .yaml, .yml or .toml"};
  const Result<std::string> text = read_text_file(path, kLargestForeignFile);
  if (!text) return text.error();
  return is_yaml ? read_yaml(path, *text) : read_toml(path, *text);
}

}  // namespace streaming
