// The module's configuration: one list, from which the members, their defaults, their merge and the directives that
// set them are generated. Pure; directives.cc is what connects it to httpd.
//
// One object for each section of the configuration (server, virtual host, directory, location), in httpd's
// configuration pool: written while the configuration is read, then read by every thread until the next restart.

#pragma once

#include <chrono>
#include <optional>

#include "mod_socket_handoff/setting_types.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {

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
