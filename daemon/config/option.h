// SPDX-License-Identifier: Apache-2.0
// Option: one setting, with its names, its kind of value and what the value may be; and how values are read from text
// and written as text.

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
// One of some words.
struct Choice {
  std::string Config::*member;
  std::string_view words;  // with ", " in between
  bool may_be_empty = false;
  std::string_view other_name = {};  // of one of the words: "NAME=WORD"; empty: none
};
// Words, with commas in between; an array in the file.
struct WordList {
  std::vector<std::string> Config::*member;
  std::string_view words;  // as of a Choice; empty: any, but at least one
};
// A text that is never printed, and that may stand in a file of its own instead.
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
// Users, with commas in between; an array in the file.
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
  kReload,   // with SIGHUP, for what comes after it
  kRestart,  // with the next start of the daemon
};

struct Option {
  std::string_view key;       // in the file: "section.name"; empty: none
  std::string_view flag;      // with its dashes; empty: none
  std::string_view variable;  // of the environment; empty: none
  std::variant<Integer, Milliseconds, Text, Choice, WordList, Secret, Commands, Headers, User, Group, UserList,
               Boolean, FileMode>
      value;
  std::string_view help;
  Effect effect = Effect::kReload;
  std::string_view other_flags = {};  // names that other daemons have for the flag, with commas in between
};

// "N", "MS", "TEXT", "WORD,...", "USER", "true|false", "MODE", ...: what stands behind the flag in --help; empty for a
// switch.
std::string_view placeholder(const Option& option);

// Sets one option from text. The Error says what the value must be.
Status set_option(Config& config, const Option& option, std::string_view text);

// The option's value as text that set_option() takes; a secret comes out empty, and a URL without those in it.
std::string option_text(const Config& config, const Option& option);

// Whether both have the same value for it; secrets are compared too.
bool same_value(const Config& left, const Config& right, const Option& option);

// What to call an option by in a message about its value: where that comes from, or its key.
std::string source_of(const Config& config, std::string_view key);

// `to` gets the value of `from`.
void copy_value(const Config& from, Config& to, const Option& option);

}  // namespace streaming
