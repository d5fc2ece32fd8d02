// The kinds of value that a directive takes: how its word in the configuration is read, and what a bad one is told.
// Pure.

#pragma once

#include <strings.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

#include "mod_socket_handoff/socket_path.h"
#include "mod_socket_handoff/word_list.h"

namespace socket_handoff {

// Room for `describe`, which says what is accepted, to follow "... is not ".
inline constexpr std::size_t kMaxDescriptionBytes = 96;

struct Switch {
  using Value = bool;

  static std::optional<bool> parse(const char* word) {
    if (::strcasecmp(word, "On") == 0) return true;
    if (::strcasecmp(word, "Off") == 0) return false;
    return std::nullopt;
  }
  static void describe(char (&text)[kMaxDescriptionBytes]) { std::snprintf(text, sizeof text, "On or Off"); }
};

// Whoever may write .htaccess may turn it off for a directory, and never on where the server has it off.
struct SwitchOffInHtaccess : Switch {};

struct Prefix {
  using Value = const char*;

  static std::optional<const char*> parse(const char* word) {
    if (check_written_path(word) != PathProblem::kNone) return std::nullopt;
    return word;
  }
  static void describe(char (&text)[kMaxDescriptionBytes]) {
    std::snprintf(text, sizeof text,
                  "the absolute path of a directory or socket, without \"..\", of at most 107 bytes");
  }
};

// Given several times in one section, the directive adds to its list; an inner section's list takes the outer one's
// place.
struct Prefixes {
  using Value = WordList<16>;

  static std::optional<Value> parse(const char* word) {
    const auto prefix = Prefix::parse(word);
    return prefix ? std::optional(Value(*prefix)) : std::nullopt;
  }
  // Null, or why not: half a sentence that follows the word.
  static const char* append(Value& list, const char* word) { return list.add(word) ? nullptr : "is one too many"; }
  static void describe(char (&text)[kMaxDescriptionBytes]) { Prefix::describe(text); }
};

// The names in a list, or the word None for no name at all.
struct HeaderNames {
  using Value = WordList<32>;

  static std::optional<Value> parse(const char* word) {
    if (::strcasecmp(word, "None") == 0) return Value();
    for (const char* character = word; *character; ++character) {
      if (!is_token_character(*character)) return std::nullopt;
    }
    return *word ? std::optional(Value(word)) : std::nullopt;
  }
  static const char* append(Value& list, const char* word) {
    if (list.span().empty()) return "follows None, which stands alone";
    if (::strcasecmp(word, "None") == 0) return "stands alone, and follows other names";
    return list.add(word) ? nullptr : "is one too many";
  }
  static void describe(char (&text)[kMaxDescriptionBytes]) {
    std::snprintf(text, sizeof text, "the name of a header, or None");
  }

 private:
  static bool is_token_character(char character) {
    const char lower = static_cast<char>(character | 0x20);
    if ((lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9')) return true;
    return std::strchr("!#$%&'*+-.^_`|~", character) != nullptr;
  }
};

template <int kMinimum, int kMaximum>
struct Count {
  using Value = int;

  // By hand, as strtol() takes signs and blanks, and std::from_chars() would be exported by the module.
  static std::optional<int> parse(const char* word) {
    long long value = 0;
    const char* digit = word;
    for (; *digit >= '0' && *digit <= '9' && value <= kMaximum; ++digit) value = value * 10 + (*digit - '0');
    if (digit == word || *digit != '\0' || value < kMinimum || value > kMaximum) return std::nullopt;
    return static_cast<int>(value);
  }
  static void describe(char (&text)[kMaxDescriptionBytes]) {
    std::snprintf(text, sizeof text, "a whole number from %d to %d", kMinimum, kMaximum);
  }
};

template <int kMinimum, int kMaximum>
struct Milliseconds {
  using Value = std::chrono::milliseconds;

  static std::optional<std::chrono::milliseconds> parse(const char* word) {
    const std::optional<int> value = Count<kMinimum, kMaximum>::parse(word);
    if (!value) return std::nullopt;
    return std::chrono::milliseconds(*value);
  }
  static void describe(char (&text)[kMaxDescriptionBytes]) {
    std::snprintf(text, sizeof text, "a whole number of milliseconds from %d to %d", kMinimum, kMaximum);
  }
};

}  // namespace socket_handoff
