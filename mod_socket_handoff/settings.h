// SPDX-License-Identifier: Apache-2.0
// The module's per-directory configuration: the kinds of value that a directive takes, and the one list of directives.
// From that list the members, their defaults, their merge and the directives are generated. Pure: knows nothing of
// httpd; mod_socket_handoff.cc connects it.

#pragma once

#include <pwd.h>
#include <strings.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>

#include "mod_socket_handoff/network.h"
#include "mod_socket_handoff/socket_path.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {

inline bool is_same(const char* one, const char* other) {
  return std::strcmp(one, other) == 0;
}
inline bool is_same(uid_t one, uid_t other) {
  return one == other;
}
inline bool is_same(const Network& one, const Network& other) {
  return one == other;
}

// A short list of what the configuration names, in its order. A value; words are borrowed from httpd's configuration
// pool.
template <class Item, std::size_t kMaxItems>
class ShortList {
 public:
  constexpr ShortList() = default;
  template <class... Items>
  explicit constexpr ShortList(Item first, Items... more) : items_{first, more...}, size_(1 + sizeof...(more)) {
    static_assert(1 + sizeof...(more) <= kMaxItems);
  }

  // False if the list is full.
  [[nodiscard]] bool add(Item item) {
    if (size_ >= kMaxItems) return false;
    items_[size_++] = item;
    return true;
  }

  constexpr std::span<const Item> span() const { return {items_, size_}; }

  friend bool operator==(const ShortList& one, const ShortList& other) {
    if (one.size_ != other.size_) return false;
    for (std::size_t i = 0; i < kMaxItems && i < one.size_; ++i) {
      if (!is_same(one.items_[i], other.items_[i])) return false;
    }
    return true;
  }

 private:
  Item items_[kMaxItems] = {};
  std::size_t size_ = 0;
};

// The kinds of value. parse() reads a directive's word, and returns none if it is not valid. describe() names what is
// valid: text that follows "... is not ". append(), of a list, adds a further word; it returns null, or an error that
// follows the word, as functions of httpd's directives do.

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

// Allowed in .htaccess too, but only to switch off what the server has on.
struct SwitchOffInHtaccess : Switch {};

// If a section has it on, the module watches every TLS connection from its handshake on.
struct TlsSwitch : Switch {};

// If a section has it on, the module watches every connection that may become an HTTP/2 connection.
struct Http2Switch : Switch {};

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

// The directive may be repeated in a section, and adds to the section's list. An inner section's list replaces the
// outer one's.
struct Prefixes {
  using Value = ShortList<const char*, 16>;

  static std::optional<Value> parse(const char* word) {
    const auto prefix = Prefix::parse(word);
    return prefix ? std::optional(Value(*prefix)) : std::nullopt;
  }
  static const char* append(Value& list, const char* word) { return list.add(word) ? nullptr : "is one too many"; }
  static void describe(char (&text)[kMaxDescriptionBytes]) { Prefix::describe(text); }
};

// The items of a list, or the word None for no item at all.
template <class Item, std::size_t kMaxItems>
struct ListOrNone {
  using Value = ShortList<typename Item::Value, kMaxItems>;

  static std::optional<Value> parse(const char* word) {
    if (::strcasecmp(word, "None") == 0) return Value();
    const auto item = Item::parse(word);
    return item ? std::optional(Value(*item)) : std::nullopt;
  }
  // Of a word that parse() takes.
  static const char* append(Value& list, const char* word) {
    if (list.span().empty()) return "follows None, which stands alone";
    const auto item = Item::parse(word);
    if (!item || ::strcasecmp(word, "None") == 0) return "stands alone, and follows other names";
    return list.add(*item) ? nullptr : "is one too many";
  }
  static void describe(char (&text)[kMaxDescriptionBytes]) {
    std::snprintf(text, sizeof text, "%s, or None", Item::kDescription);
  }
};

struct HeaderName {
  using Value = const char*;
  static constexpr char kDescription[] = "the name of a header";

  static std::optional<const char*> parse(const char* word) {
    for (const char* character = word; *character; ++character) {
      if (!is_token_character(*character)) return std::nullopt;
    }
    return *word ? std::optional(word) : std::nullopt;
  }

 private:
  static bool is_token_character(char character) {
    const char lower = static_cast<char>(character | 0x20);
    if ((lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9')) return true;
    return std::strchr("!#$%&'*+-.^_`|~", character) != nullptr;
  }
};
using HeaderNames = ListOrNone<HeaderName, 32>;

template <int kMinimum, int kMaximum>
struct Count {
  using Value = int;

  // Not strtol(), which accepts signs and blanks, and not std::from_chars(), which the module would export.
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

// A name is looked up when the configuration is read, because a look-up can take long.
struct User {
  using Value = uid_t;
  static constexpr char kDescription[] = "the name or the number of a user";

  static std::optional<uid_t> parse(const char* word) {
    if (const std::optional<int> number = Count<0, 2'147'483'646>::parse(word)) return static_cast<uid_t>(*number);
    const passwd* user = ::getpwnam(word);
    return user ? std::optional(user->pw_uid) : std::nullopt;
  }
};
using Users = ListOrNone<User, 16>;
using Networks = ListOrNone<Network, 16>;

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

using Timeout = Milliseconds<1, 60'000>;
using Wait = Milliseconds<0, 10'000>;
using Retries = Count<0, 20>;
using DataSize = Count<1, static_cast<int>(handoff_protocol::kMaxPayloadBytes)>;

// Where streaming-daemon's packages put its socket, and where its documents put it.
inline constexpr Prefixes::Value kDefaultPrefixes(handoff_protocol::kDefaultSocketPath, "/run/streaming-daemon/");

inline constexpr HeaderNames::Value kDefaultForwardedHeaders(
    "Set-Cookie", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers",
    "Vary", "Cache-Control", "Strict-Transport-Security", "Cross-Origin-Resource-Policy", "Timing-Allow-Origin");

// SETTING(type, member, directive, default, help)
#define SOCKET_HANDOFF_SETTINGS(SETTING)                                                                      \
  SETTING(SwitchOffInHtaccess, enabled, "SocketHandoffEnabled", true,                                         \
          "On or Off: whether responses with X-Socket-Handoff are handed off; Off still removes the header")  \
  SETTING(Prefixes, allowed_prefixes, "SocketHandoffAllowedPrefix", kDefaultPrefixes,                         \
          "A daemon's socket, or the directory where it must be, once links are resolved; may be repeated")   \
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
          "On or Off: whether to wait until the daemon acknowledges the client")                              \
  SETTING(Timeout, acknowledge_timeout, "SocketHandoffAcknowledgeTimeoutMs", std::chrono::milliseconds(1000), \
          "Longest time to wait for the daemon's acknowledgement, in milliseconds")                           \
  SETTING(Timeout, drain_timeout, "SocketHandoffDrainTimeoutMs", std::chrono::milliseconds(5000),             \
          "Longest time for the rest of a request's body to come, in milliseconds")                           \
  SETTING(Switch, relay, "SocketHandoffRelay", true,                                                          \
          "On or Off: whether Apache relays the daemon's answer if the connection cannot be handed off")      \
  SETTING(TlsSwitch, tls, "SocketHandoffTLS", false,                                                          \
          "On or Off: whether clients over TLS are handed off, with the keys of their connections")           \
  SETTING(Users, tls_users, "SocketHandoffTLSUsers", Users::Value(),                                          \
          "Users whose daemons may be given keys, beside root, Apache's user and the socket's owner; or None") \
  SETTING(Http2Switch, http2, "SocketHandoffHTTP2", false,                                                    \
          "On or Off: whether clients over HTTP/2 are handed off, with their connections")                    \
  SETTING(Wait, http2_wait, "SocketHandoffHTTP2WaitMs", std::chrono::milliseconds(100),                       \
          "Longest time for a connection's other streams to end, in milliseconds")                            \
  SETTING(Networks, http2_proxies, "SocketHandoffHTTP2Proxies", Networks::Value(),                            \
          "Proxies whose HTTP/2 connections several clients share and are not handed off; or None")           \
  SETTING(DataSize, max_data_size, "SocketHandoffMaxDataSize", 1024 * 1024,                                   \
          "Most bytes of data that a hand-off may have")                                                      \
  SETTING(HeaderNames, forward_headers, "SocketHandoffForwardHeaders", kDefaultForwardedHeaders,              \
          "Names of the response's headers that the daemon's answer is to have too, or None")

// One object for each section of the configuration (server, virtual host, directory, location), in httpd's
// configuration pool. Written while the configuration is read, then read by all threads until the next restart.
struct Settings {
  // Set if the section has the directive. Read through the function of the same name, which knows the default.
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

// A section's own directives take precedence over those of the section around it.
inline Settings merge(const Settings& outer, const Settings& inner) {
  Settings merged = outer;
#define SETTING(type, member, directive, standard, help) \
  if (inner.member##_) merged.member##_ = inner.member##_;
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
  return merged;
}

}  // namespace socket_handoff
