// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/reachable.h"

#include <algorithm>
#include <array>

#include "answers/journal_format.h"
#include "backends/close_cause.h"
#include "simulation/upstreams/upstreams.h"
#include "simulation/world/operation_names.h"
#include "stream/stream_state.h"

namespace streaming::simulation {
namespace {

struct Reachable {
  std::string_view kind;
  std::vector<std::string_view> whats;
};

// What each operation can complete with, and what the simulation itself does. In the order in which it is printed.
const std::vector<Reachable>& reachable_by_hand() {
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
      // Nothing is received before a poll has reported bytes, nobody else takes them, and they stay when the connection breaks: so
      // there is no EAGAIN over io_uring, and no ECONNRESET.
      {"client receive", {"ok", "ENOBUFS"}},
      {"client shutdown", {"ok", "ENOTCONN"}},
      {"client drain", {"ok", "EAGAIN", "ECONNRESET", "EPIPE"}},
      {"client unacknowledged", {"ok", "EMFILE", "ENFILE", "ENOMEM"}},
      {"client close", {"ok", "ENOMEM"}},
      {"upstream connect", {"ok", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "ECONNRESET", "ECANCELED"}},
      {"upstream receive", {"ok", "ECANCELED", "ECONNRESET", "ENOBUFS"}},
      {"upstream send", {"ok", "EAGAIN", "ENOMEM", "ENOBUFS", "EPIPE"}},
      {"upstream writable", {"ok", "ENOMEM"}},
      {"journal open", {"ok", "EIO", "ENOSPC", "EMFILE"}},
      {"journal write", {"ok", "EIO", "ENOSPC"}},
      {"journal sync", {"ok", "EIO"}},
      {"journal read", {"ok", "EIO"}},
      {"journal remove", {"ok", "EIO"}},
      {"adopted report", {"its answer was running", "its answer had ended"}},
      {"event", {"reload", "restart", "upgrade", "crash of the process", "crash of the machine", "a worker fails"}},
      {"crash", {"write lost", "write torn", "write kept", "file lost"}},
      {"report", {"taken", "not taken", "once more", "of a cut answer", "given up", "sent again by the command"}},
      {"fault",
       {"late completion", "late execution", "completions in parts", "lost completion", "failed adoption", "dead link",
        "split arrival", "stall of a worker", "hanging disk", "short write", "end before the message"}},
  };
  return all;
}

// What is not in this world, of the daemon's own lists. All else of them must be reached.
constexpr std::array kElsewhere{
    // Operations of names and proxies, of the store, of programs, of attachments.
    "none", "upstream ready", "store receive", "store send", "store writable", "wake-ups receive", "wake-ups send", "wake-ups writable",
    "child ended", "child output", "program readable", "program receive", "import readable", "import receive", "file open",
    "file status", "file read", "file remove",
    // Streams that have ended.
    "free",
    // Causes of closing and counters: of attachments, programs, the store, users of the system; and nobody compresses.
    "upstream_compressed", "attachment", "over_budget", "program_failed", "daemon_refusals_total reason=over_budget",
    "daemon_refusals_total reason=no_store", "daemon_refusals_total reason=not_allowed", "daemon_reports_for_others_total", "daemon_answers_not_stored_total",
    "daemon_answers_unclaimed_total", "daemon_store_errors_total", "daemon_users_not_shared_total"};

// By FrameType, whose first is 1.
constexpr std::array<std::string_view, 5> kFrameNames{"begin", "text", "report", "client's end", "done"};
static_assert(static_cast<std::size_t>(FrameType::kDone) == kFrameNames.size(), "a frame has no name");

bool is_elsewhere(std::string_view what) {
  return std::find(kElsewhere.begin(), kElsewhere.end(), what) != kElsewhere.end();
}

bool is_counted(const Coverage& coverage, std::string_view kind, std::string_view what) {
  const auto counted = coverage.counts().find(kind);
  return counted != coverage.counts().end() && counted->second.contains(what);
}

}  // namespace

void count_frames(std::string_view written, Coverage& coverage) {
  FrameReader reader(written);
  while (const std::optional<Frame> frame = reader.next()) {
    coverage.count("journal frame", kFrameNames[static_cast<std::size_t>(frame->type) - 1]);
  }
}

std::string counter_name(const CounterInfo& counter) {
  return std::string(counter.metric) + (counter.label.empty() ? "" : " ") + std::string(counter.label);
}

std::vector<std::pair<std::string, std::string>> missed_by(const Coverage& coverage) {
  std::vector<std::pair<std::string, std::string>> missed;
  const auto expect = [&](std::string_view kind, std::string_view what) {
    if (!is_elsewhere(what) && !is_counted(coverage, kind, what)) missed.emplace_back(kind, what);
  };
  for (const Reachable& reachable : reachable_by_hand()) {
    for (const std::string_view what : reachable.whats) expect(reachable.kind, what);
  }
  for (const std::string_view operation : kOperationNames) {
    if (!is_elsewhere(operation)) expect(operation, "ok");
  }
  for (const std::string_view state : kStreamStateNames) expect("stream state", state);
  for (const CloseCauseInfo& cause : kCloseCauseTable) expect("close cause", cause.word);
  for (const CounterInfo& counter : kCounterTable) expect("counter", counter_name(counter));
  for (const std::string_view frame : kFrameNames) expect("journal frame", frame);
  for (const std::string_view api : kApiNames) {
    for (const std::string_view meaning : kMeaningNames) expect(api, meaning);
    for (const BodyEnd end : {BodyEnd::kWhole, BodyEnd::kBroken}) expect(api, kBodyEndNames[static_cast<std::size_t>(end)]);
    for (const std::string_view other : {Upstreams::kRefusingHead, Upstreams::kRedirect, Upstreams::kHalfCharacter}) {
      expect(api, other);
    }
  }
  return missed;
}

}  // namespace streaming::simulation
