// The module's configuration: the kinds of value that a directive takes, and the one list of directives, from which the
// members, their defaults, their merge and the directives are generated. Pure; mod_socket_handoff.cc connects it to httpd.

#pragma once

#include <strings.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>

#include "mod_socket_handoff/socket_path.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {

// A short list of words of the configuration, in the order in which they stand there. Pure; a value without memory of
// its own: the words are in httpd's configuration pool.
template <std::size_t kMaxWords>
class WordList {
 public:
  constexpr WordList() = default;
  template <class... Words>
  explicit constexpr WordList(const char* first, Words... more) : words_{first, more...}, size_(1 + sizeof...(more)) {
    static_assert(1 + sizeof...(more) <= kMaxWords);
  }

  // False where the list is full.
  [[nodiscard]] bool add(const char* word) {
    if (size_ >= kMaxWords) return false;
    words_[size_++] = word;
    return true;
  }

  constexpr std::span<const char* const> span() const { return {words_, size_}; }

  friend bool operator==(const WordList& one, const WordList& other) {
    if (one.size_ != other.size_) return false;
    for (std::size_t i = 0; i < kMaxWords && i < one.size_; ++i) {
      if (std::strcmp(one.words_[i], other.words_[i]) != 0) return false;
    }
    return true;
  }

 private:
  const char* words_[kMaxWords] = {};
  std::size_t size_ = 0;
};

// The kinds of value that a directive takes: how its word in the configuration is read, and what a bad one is told.
// Pure.
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

// The module's configuration: one list, from which the members, their defaults, their merge and the directives that
// set them are generated. Pure; directives.cc is what connects it to httpd.
//
// One object for each section of the configuration (server, virtual host, directory, location), in httpd's
// configuration pool: written while the configuration is read, then read by every thread until the next restart.
using Timeout = Milliseconds<1, 60'000>;
using Retries = Count<0, 20>;
using DataSize = Count<1, static_cast<int>(handoff_protocol::kMaxPayloadBytes)>;

// Where streaming-daemon's packages put its socket, and where its documents do.
inline constexpr Prefixes::Value kStreamingDaemonsPlaces(handoff_protocol::kDefaultSocketPath,
                                                         "/run/streaming-daemon/");

inline constexpr HeaderNames::Value kForwardedHeaders("Set-Cookie", "Access-Control-Allow-Origin",
                                                      "Access-Control-Allow-Credentials",
                                                      "Access-Control-Expose-Headers", "Vary", "Cache-Control",
                                                      "Strict-Transport-Security", "Cross-Origin-Resource-Policy",
                                                      "Timing-Allow-Origin");

// SETTING(type, member, directive, default, help)
#define SOCKET_HANDOFF_SETTINGS(SETTING)                                                                      \
  SETTING(SwitchOffInHtaccess, enabled, "SocketHandoffEnabled", true,                                         \
          "On or Off: whether responses with X-Socket-Handoff are handed off; Off still removes the header")  \
  SETTING(Prefixes, allowed_prefixes, "SocketHandoffAllowedPrefix", kStreamingDaemonsPlaces,                  \
          "A daemon's socket, or the directory where it must be, once links are resolved; may be repeated")    \
  SETTING(Switch, stream_sockets, "SocketHandoffStreamSockets", false,                                        \
          "On or Off: whether a daemon that listens on SOCK_STREAM may be connected to")                      \
  SETTING(Switch, allow_proxied, "SocketHandoffAllowProxied", false,                                          \
          "On or Off: whether responses of proxied servers may ask for a hand-off")                           \
  SETTING(Timeout, connect_timeout, "SocketHandoffConnectTimeoutMs", std::chrono::milliseconds(500),          \
          "Longest time to reach a daemon, retries included, in milliseconds")                                \
  SETTING(Timeout, send_timeout, "SocketHandoffSendTimeoutMs", std::chrono::milliseconds(500),                \
          "Longest time for a daemon to take the hand-off, in milliseconds")                                  \
  SETTING(Retries, max_retries, "SocketHandoffMaxRetries", 3,                                                 \
          "How often to try again to reach a daemon that is missing, refuses or has a full backlog")          \
  SETTING(Switch, acknowledge, "SocketHandoffAcknowledge", false,                                             \
          "On or Off: whether to wait for the daemon's word that it takes the client")                        \
  SETTING(Timeout, acknowledge_timeout, "SocketHandoffAcknowledgeTimeoutMs", std::chrono::milliseconds(1000), \
          "Longest time to wait for the daemon's word, in milliseconds")                                      \
  SETTING(Timeout, drain_timeout, "SocketHandoffDrainTimeoutMs", std::chrono::milliseconds(5000),             \
          "Longest time for the rest of a request's body to come, in milliseconds")                           \
  SETTING(Switch, relay, "SocketHandoffRelay", true,                                                          \
          "On or Off: whether Apache relays the daemon's answer where the connection cannot be handed off")   \
  SETTING(DataSize, max_data_size, "SocketHandoffMaxDataSize", 1024 * 1024,                                   \
          "Most bytes of data that a hand-off may have")                                                      \
  SETTING(HeaderNames, forward_headers, "SocketHandoffForwardHeaders", kForwardedHeaders,                     \
          "Names of the response's headers that the daemon's answer is to have too, or None")

struct Settings {
  // Set where this section has the directive; read through the function of the member's name.
#define SETTING(type, member, directive, standard, help) std::optional<type::Value> member##_;
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING

#define SETTING(type, member, directive, standard, help) \
  type::Value member() const {                           \
    return member##_.value_or(standard);                 \
  }
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
};

// What holds in a section: its own directives, and those of the section around it that it does not repeat.
inline Settings merge(const Settings& outer, const Settings& inner) {
  Settings merged = outer;
#define SETTING(type, member, directive, standard, help) \
  if (inner.member##_) merged.member##_ = inner.member##_;
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
  return merged;
}

}  // namespace socket_handoff
