// SPDX-License-Identifier: Apache-2.0
// Option: one setting, with its names, its type and its range; values are read from text and written as text. Constant,
// in the option table.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/text_kind.h"

namespace streaming {

struct Integer {
  std::int64_t Config::*member;
  std::int64_t least, most;
};
struct Milliseconds {
  Duration Config::*member;
  std::int64_t least, most;
};
struct Text {
  std::string Config::*member;
  const TextKind* kind = &kAnyText;
};
// One word of a list.
struct Choice {
  std::string Config::*member;
  std::string_view words;  // separated by ", "
  bool may_be_empty = false;
  std::string_view other_name = {};  // another name for a word: "NAME=WORD"; empty: none
};
// Words separated by commas; an array in the file.
struct WordList {
  std::vector<std::string> Config::*member;
  std::string_view words;  // like a Choice's; empty: any words, but at least one
};
// A text that is never printed. It may be in a separate file instead.
struct Secret {
  std::string Config::*member;
  std::string Config::*file;
};
struct Commands {
  NamedCommands Config::*member;
};
// Headers and their values; some are secrets, and those are never printed.
struct Headers {
  ConfiguredHeaders Config::*member;
};
struct User {
  Account Config::*member;
};
struct Group {
  Account Config::*member;
};
// Users separated by commas; an array in the file.
struct UserList {
  std::vector<Account> Config::*member;
};
struct Boolean {
  bool Config::*member;
};
struct FileMode {
  mode_t Config::*member;
};

// When a change of the file takes effect.
enum class Effect : std::uint8_t {
  kReload,   // at SIGHUP, for streams and hand-offs that begin after it
  kRestart,  // at the daemon's next start
};

struct Option {
  std::string_view key;       // in the file: "section.name"; empty: none
  std::string_view flag;      // including its dashes; empty: none
  std::string_view variable;  // of the environment; empty: none
  std::variant<Integer, Milliseconds, Text, Choice, WordList, Secret, Commands, Headers, User, Group, UserList,
               Boolean, FileMode>
      value;
  std::string_view help;
  Effect effect = Effect::kReload;
  std::string_view other_flags = {};  // names that other daemons have for the flag, separated by commas
};

// The flag's argument in --help: "N", "MS", "TEXT", "WORD,...", "USER", "true|false", "MODE", ...; empty for a switch.
std::string_view placeholder(const Option& option);

// Sets one option from text. The Error reports what the value must be.
Status set_option(Config& config, const Option& option, std::string_view text);

// The option's value as text that set_option() accepts. A secret becomes empty, and the secrets in a URL are hidden.
std::string option_text(const Config& config, const Option& option);

// Whether both have the same value for the option; secrets are compared too.
bool same_value(const Config& left, const Config& right, const Option& option);

// The name of an option in a message about its value: the value's source, otherwise the key.
std::string source_of(const Config& config, std::string_view key);

// Copies the option's value from `from` to `to`.
void copy_value(const Config& from, Config& to, const Option& option);

}  // namespace streaming
