// SPDX-License-Identifier: Apache-2.0
#include "config/option.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <optional>

#include "base/duration.h"
#include "config/account.h"
#include "config/named_commands.h"
#include "config/secret_file.h"

namespace streaming {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;  // clang before version 17 needs it

std::optional<std::int64_t> parse_integer(std::string_view text, int base = 10) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "500" means milliseconds; "500ms" and "1m30s" have units.
std::optional<std::int64_t> parse_milliseconds(std::string_view text) {
  if (const std::optional<std::int64_t> number = parse_integer(text)) return number;
  const std::optional<Nanoseconds> duration = parse_duration(text);
  if (!duration || *duration % Duration(1) != Nanoseconds(0)) return std::nullopt;
  return std::chrono::duration_cast<Duration>(*duration).count();
}

// `number` is the value of `text`, if it is a number.
Result<std::int64_t> in_range(std::optional<std::int64_t> number, std::string_view text, std::int64_t least,
                              std::int64_t most, const char* what) {
  if (number && *number >= least && *number <= most) return *number;
  return must_be(std::string(what) + " from " + std::to_string(least) + " to " + std::to_string(most), text);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return lower;
}

Status set_boolean(bool& member, std::string_view text) {
  const std::string word = lower_case(text);
  if (word == "true" || word == "on" || word == "yes" || word == "1") {
    member = true;
  } else if (word == "false" || word == "off" || word == "no" || word == "0") {
    member = false;
  } else {
    return must_be("true or false", text);
  }
  return success();
}

Status set_mode(mode_t& member, std::string_view text) {
  const std::optional<std::int64_t> mode = parse_integer(text.starts_with("0o") ? text.substr(2) : text, 8);
  if (!mode || *mode < 0 || *mode > 0777) return must_be("an octal file mode from 0000 to 0777", text);
  member = static_cast<mode_t>(*mode);
  return success();
}

Result<std::vector<std::string>> words_in(std::string_view text) {
  constexpr std::string_view kBlank = " ";
  std::vector<std::string> words;
  for (std::string_view rest = text; !text.empty();) {
    const std::size_t comma = rest.find(',');
    std::string_view word = rest.substr(0, comma);
    word.remove_prefix(std::min(word.find_first_not_of(kBlank), word.size()));
    word = word.substr(0, word.find_last_not_of(kBlank) + 1);
    if (word.empty()) return must_be("words separated by commas", text);
    words.emplace_back(word);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return words;
}

bool is_one_of(std::string_view words, std::string_view word) {
  constexpr std::string_view kBetween = ", ";
  for (std::string_view rest = words; !rest.empty();) {
    const std::size_t end = std::min(rest.find(kBetween), rest.size());
    if (rest.substr(0, end) == word) return true;
    rest.remove_prefix(std::min(end + kBetween.size(), rest.size()));
  }
  return false;
}

Status set_choice(std::string& member, const Choice& choice, std::string_view text) {
  std::string word = lower_case(text);
  const std::size_t equals = choice.other_name.find('=');
  if (!choice.other_name.empty() && word == choice.other_name.substr(0, equals)) {
    word = choice.other_name.substr(equals + 1);
  }
  const bool allowed = word.empty() ? choice.may_be_empty : is_one_of(choice.words, word);
  const std::string what = choice.may_be_empty ? "empty or one of " : "one of ";
  if (!allowed) return must_be(what + std::string(choice.words), text);
  member = std::move(word);
  return success();
}

Status set_words(std::vector<std::string>& member, std::string_view allowed, std::string_view text) {
  Result<std::vector<std::string>> words = words_in(text);
  if (!words) return words.error();
  if (allowed.empty() && words->empty()) return Error{"must not be empty"};
  for (const std::string& word : *words) {
    if (allowed.empty()) {
      if (Status checked = kAnyText.check(word); !checked) return checked;
    } else if (!is_one_of(allowed, word)) {
      return must_be("a list of some of " + std::string(allowed), text);
    }
  }
  member = std::move(*words);
  return success();
}

// Sets the account that `find` finds for the text; none if the text is empty.
Status set_account(Account& member, std::string_view text, Result<Account> (*find)(std::string_view)) {
  Result<Account> account = text.empty() ? Account{} : find(text);
  if (!account) return account.error();
  member = std::move(*account);
  return success();
}

Status set_users(std::vector<Account>& member, std::string_view text) {
  const Result<std::vector<std::string>> names = words_in(text);
  if (!names) return names.error();
  std::vector<Account> users;
  for (const std::string& name : names.value()) {
    Result<Account> user = find_user(name);
    if (!user) return user.error();
    users.push_back(std::move(*user));
  }
  member = std::move(users);
  return success();
}

const std::string& name_of(const std::string& word) {
  return word;
}
const std::string& name_of(const Account& account) {
  return account.name;
}

template <typename Item>
std::string joined(const std::vector<Item>& items) {
  std::string text;
  for (const Item& item : items) text += (text.empty() ? "" : ",") + name_of(item);
  return text;
}

}  // namespace

std::string_view placeholder(const Option& option) {
  return std::visit(
      Overloaded{
          [](const Integer&) -> std::string_view { return "N"; },
          [](const Milliseconds&) -> std::string_view { return "MS"; },
          [](const Text& text) { return text.kind->placeholder; },
          [](const Choice&) -> std::string_view { return "WORD"; },
          [](const WordList&) -> std::string_view { return "WORD,..."; },
          [](const Secret&) -> std::string_view { return "TEXT"; },
          [](const Commands&) -> std::string_view { return "TABLE"; },
          [](const Headers&) -> std::string_view { return "TABLE"; },
          [](const User&) -> std::string_view { return "USER"; },
          [](const Group&) -> std::string_view { return "GROUP"; },
          [](const UserList&) -> std::string_view { return "USER,..."; },
          [&option](const Boolean&) -> std::string_view { return option.key.empty() ? "" : "true|false"; },
          [](const FileMode&) -> std::string_view { return "MODE"; },
      },
      option.value);
}

Status set_option(Config& config, const Option& option, std::string_view text) {
  return std::visit(Overloaded{
                        [&](const Integer& integer) -> Status {
                          Result<std::int64_t> number =
                              in_range(parse_integer(text), text, integer.least, integer.most, "a number");
                          if (!number) return number.error();
                          config.*integer.member = *number;
                          return success();
                        },
                        [&](const Milliseconds& duration) -> Status {
                          Result<std::int64_t> number = in_range(parse_milliseconds(text), text, duration.least,
                                                                 duration.most, "milliseconds");
                          if (!number) return number.error();
                          config.*duration.member = Duration(*number);
                          return success();
                        },
                        [&](const Text& string) -> Status {
                          std::string value(text);
                          if (Status checked = string.kind->check(value); !checked) return checked;
                          config.*string.member = std::move(value);
                          return success();
                        },
                        [&](const Choice& choice) { return set_choice(config.*choice.member, choice, text); },
                        [&](const WordList& list) { return set_words(config.*list.member, list.words, text); },
                        [&](const Secret& secret) -> Status {
                          Result<std::string> cleaned = clean_secret(text);
                          if (!cleaned) return cleaned.error();
                          config.*secret.member = *cleaned;
                          return success();
                        },
                        [&](const Commands& commands) -> Status {
                          Result<NamedCommands> parsed = parse_commands(text);
                          if (!parsed) return parsed.error();
                          config.*commands.member = std::move(*parsed);
                          return success();
                        },
                        [&](const Headers& headers) -> Status {
                          Result<ConfiguredHeaders> parsed = parse_headers(text);
                          if (!parsed) return parsed.error();
                          config.*headers.member = std::move(*parsed);
                          return success();
                        },
                        [&](const User& user) { return set_account(config.*user.member, text, find_user); },
                        [&](const Group& group) { return set_account(config.*group.member, text, find_group); },
                        [&](const UserList& list) { return set_users(config.*list.member, text); },
                        [&](const Boolean& boolean) { return set_boolean(config.*boolean.member, text); },
                        [&](const FileMode& mode) { return set_mode(config.*mode.member, text); },
                    },
                    option.value);
}

std::string option_text(const Config& config, const Option& option) {
  return std::visit(Overloaded{
                        [&](const Integer& integer) { return std::to_string(config.*integer.member); },
                        [&](const Milliseconds& duration) { return std::to_string((config.*duration.member).count()); },
                        [&](const Text& string) {
                          const std::string& value = config.*string.member;
                          return string.kind->printed == nullptr ? value : string.kind->printed(value);
                        },
                        [&](const Choice& choice) { return config.*choice.member; },
                        [&](const WordList& list) { return joined(config.*list.member); },
                        [](const Secret&) { return std::string(); },
                        [&](const Commands& commands) { return commands_text(config.*commands.member); },
                        [&](const Headers& headers) {
                          return headers_text(config.*headers.member, Secrets::kWithout);
                        },
                        [&](const User& user) { return (config.*user.member).name; },
                        [&](const Group& group) { return (config.*group.member).name; },
                        [&](const UserList& list) { return joined(config.*list.member); },
                        [&](const Boolean& boolean) { return std::string(config.*boolean.member ? "true" : "false"); },
                        [&](const FileMode& mode) {
                          char text[8];
                          std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(config.*mode.member));
                          return std::string(text);
                        },
                    },
                    option.value);
}

bool same_value(const Config& left, const Config& right, const Option& option) {
  return std::visit([&](const auto& value) { return left.*value.member == right.*value.member; }, option.value);
}

std::string source_of(const Config& config, std::string_view key) {
  const auto source = config.sources.find(key);
  return source == config.sources.end() ? std::string(key) : source->second;
}

void copy_value(const Config& from, Config& to, const Option& option) {
  std::visit([&](const auto& value) { to.*value.member = from.*value.member; }, option.value);
}

}  // namespace streaming
