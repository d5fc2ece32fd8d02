// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/reachable.h"

#include <array>

namespace streaming::simulation {
namespace {

struct Reachable {
  std::string_view kind;
  std::vector<std::string_view> whats;
};

// In the order in which it is printed.
const std::vector<Reachable>& all_reachable() {
  static const std::vector<Reachable> all{
      {"wakeup", {"ok", "ENOMEM"}},
      {"accept", {"ok", "ECANCELED", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EINTR", "ECONNABORTED"}},
      {"connection passed", {"ok", "ENOMEM", "EOVERFLOW", "ENFILE"}},
      {"connection arrived", {"ok"}},
      {"hand-off receive", {"ok", "ENOMEM", "EINTR", "ENOBUFS", "ECANCELED"}},
      {"hand-off reply", {"ok", "ENOMEM", "ENOBUFS", "EAGAIN", "EPIPE"}},
      {"hand-off verdict", {"ok", "ENOMEM", "ECANCELED"}},
      {"client send", {"ok", "EAGAIN", "ENOMEM", "ENOBUFS", "EPIPE", "ECONNRESET", "ETIMEDOUT"}},
      {"client writable", {"ok", "ENOMEM", "ECANCELED"}},
      {"client watch", {"ok", "ENOMEM", "ECANCELED"}},
      {"client receive", {"ok", "EAGAIN", "ENOBUFS", "ECONNRESET"}},
      {"client shutdown", {"ok", "ENOTCONN"}},
      {"client drain", {"ok", "EAGAIN", "ECONNRESET", "EPIPE"}},
      {"client unacknowledged", {"ok", "EMFILE", "ENFILE", "ENOMEM"}},
      {"client close", {"ok", "ENOMEM"}},
      {"upstream ready", {"ok", "ECANCELED", "ENOMEM"}},
      {"upstream connect", {"ok", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "ECONNRESET", "ECANCELED"}},
      {"upstream receive", {"ok", "ECANCELED", "ECONNRESET", "ENOBUFS"}},
      {"upstream send", {"ok", "EAGAIN", "ENOMEM", "ENOBUFS", "EPIPE"}},
      {"upstream writable", {"ok", "ENOMEM"}},
      {"journal open", {"ok", "EIO", "ENOSPC", "EMFILE"}},
      {"journal write", {"ok", "EIO", "ENOSPC"}},
      {"journal sync", {"ok", "EIO"}},
      {"journal read", {"ok"}},
      {"journal remove", {"ok", "EIO"}},
      {"close cause",
       {"completed", "refused", "stopped", "client_gone", "write_timeout", "client_malformed", "tls_failed",
        "first_byte_timeout", "idle_timeout", "too_long", "upstream_unreachable", "upstream_status", "upstream_reported",
        "upstream_truncated", "upstream_malformed", "upstream_too_large", "fell_behind", "shutdown"}},
      {"stream state", {"opening", "streaming", "draining", "closing"}},
      {"event", {"reload", "restart", "upgrade", "crash of the process", "crash of the machine", "a worker fails"}},
      {"crash", {"write lost", "write torn", "write kept", "file lost"}},
      {"fault",
       {"late completion", "late execution", "completions in parts", "lost completion", "failed adoption", "dead link",
        "split arrival", "stall of a worker", "hanging disk", "short write", "end before the message"}},
  };
  return all;
}

}  // namespace

std::vector<std::pair<std::string_view, std::string_view>> missed_by(const Coverage& coverage) {
  std::vector<std::pair<std::string_view, std::string_view>> missed;
  for (const Reachable& reachable : all_reachable()) {
    const auto counted = coverage.counts().find(reachable.kind);
    for (const std::string_view what : reachable.whats) {
      const bool reached = counted != coverage.counts().end() && counted->second.contains(what);
      if (!reached) missed.emplace_back(reachable.kind, what);
    }
  }
  return missed;
}

}  // namespace streaming::simulation
