// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/outcome.h"

#include <apr_strings.h>
#include <mod_status.h>

#include <atomic>
#include <cerrno>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/child.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

constexpr char kName[] = "SOCKET_HANDOFF";

struct Counter {
  const char* value;  // of the variable, or in mod_status' page
  const char* label;  // in mod_status' machine-readable page
};
constexpr Counter kWaitCounters[kWaits] = {
    {"waited for other HTTP/2 streams", "SocketHandoffHTTP2Waits"},
    {"of these in vain", "SocketHandoffHTTP2WaitsInVain"},
};
constexpr Counter kCounters[kOutcomes] = {
    {"accepted", "SocketHandoffAccepted"},
    {"relayed", "SocketHandoffRelayed"},
    {"refused", "SocketHandoffRefused"},
    {"failed", "SocketHandoffFailed"},
};

template <std::size_t kCount>
void show(request_rec* r, const Counter (&counters)[kCount],
          std::atomic<unsigned long> (SharedMemory::*numbers)[kCount], bool is_machine_readable) {
  SharedMemory* shared = shared_memory();
  for (std::size_t i = 0; i < kCount; ++i) {
    const unsigned long number = shared ? (shared->*numbers)[i].load(std::memory_order_relaxed) : 0;
    if (is_machine_readable) {
      ap_rprintf(r, "%s: %lu\n", counters[i].label, number);
    } else {
      ap_rprintf(r, "<dt>%s: %lu</dt>\n", counters[i].value, number);
    }
  }
}

// True for the first caller since the server was started.
bool is_first(std::atomic<bool> SharedMemory::*has_happened) {
  SharedMemory* shared = shared_memory();
  return shared && !(shared->*has_happened).exchange(true);
}

void set_variable(request_rec* r, const char* value) {
  apr_table_setn(r->subprocess_env, kName, value);
  apr_table_setn(r->notes, kName, value);
}

const char* error_text(apr_pool_t* pool, int error) {
  char text[128];
  return apr_pstrdup(pool, apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof text));
}

// Half a sentence that follows the socket's path; null for a socket that was not tried, or that took the client.
const char* describe(apr_pool_t* pool, const Candidate& candidate) {
  if (candidate.attempts == 0) return nullptr;
  switch (candidate.state) {
    case Candidate::State::kUnreachable:
      return apr_psprintf(pool, "cannot be connected to (%s, attempts: %d)", error_text(pool, candidate.error),
                          candidate.attempts);
    case Candidate::State::kNotAllowed:
      return explain(candidate.problem);
    case Candidate::State::kConnected:
      return nullptr;
    case Candidate::State::kSendFailed:
      return apr_psprintf(pool, "did not take the hand-off (%s)", error_text(pool, candidate.error));
    case Candidate::State::kClosedUnanswered:
      return "closed without an answer";
    case Candidate::State::kRefused:
      return apr_psprintf(pool, "refused with %d", candidate.status);
    case Candidate::State::kRelays:
      return explain(candidate.relay_reason);
  }
  return nullptr;
}

// The sockets but one: "; '/run/a.sock' refused with 503", or nothing.
const char* describe_others(apr_pool_t* pool, std::span<const Candidate> candidates, const Candidate* except,
                            const SocketList& sockets) {
  const char* text = "";
  for (const Candidate& candidate : candidates) {
    const char* description = &candidate == except ? nullptr : describe(pool, candidate);
    if (description) text = apr_psprintf(pool, "%s; '%s' %s", text, candidate.path, description);
  }
  if (!sockets.is_too_long()) return text;
  return apr_psprintf(pool, "%s; the sockets after the first %d are never tried", text,
                      static_cast<int>(SocketList::kMaxSockets));
}

const char* join(apr_pool_t* pool, std::span<const char* const> words) {
  const char* text = "";
  for (const char* word : words) text = apr_pstrcat(pool, text, *text ? " or " : "", word, nullptr);
  return text;
}

bool is_lack_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE;
}

}  // namespace

void record_outcome(request_rec* r, Outcome outcome) {
  const int index = static_cast<int>(outcome);
  SH_CHECK(index >= 0 && index < kOutcomes);
  for (request_rec* request = r; request; request = request->prev) set_variable(request, kCounters[index].value);
  if (SharedMemory* shared = shared_memory()) shared->outcomes[index].fetch_add(1, std::memory_order_relaxed);
}

void count_wait_for_streams() {
  if (SharedMemory* shared = shared_memory()) shared->waits[0].fetch_add(1, std::memory_order_relaxed);
}

void count_wait_in_vain() {
  if (SharedMemory* shared = shared_memory()) shared->waits[1].fetch_add(1, std::memory_order_relaxed);
}

int copy_outcome_to_redirects(request_rec* r) {
  const char* value = nullptr;
  for (request_rec* request = r; request; request = request->next) {
    if (const char* own = apr_table_get(request->notes, kName)) {
      value = own;
    } else if (value) {
      set_variable(request, value);
    }
  }
  return DECLINED;
}

int show_counters(request_rec* r, int flags) {
  const bool is_machine_readable = (flags & AP_STATUS_SHORT) != 0;
  if (!is_machine_readable) ap_rputs("<hr />\n<h2>Hand-offs by mod_socket_handoff</h2>\n<dl>\n", r);
  show(r, kCounters, &SharedMemory::outcomes, is_machine_readable);
  show(r, kWaitCounters, &SharedMemory::waits, is_machine_readable);
  if (!is_machine_readable) ap_rputs("</dl>\n", r);
  return OK;
}

void log_client_has_left(request_rec* r) {
  ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(002) "the client left before the hand-off");
}

void log_missing_data(request_rec* r, const char* sockets) {
  ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                SHLOGNO(008) "a hand-off to %s was asked for without data; did PHP drop a %s of several lines? Set it "
                "to {} if there is no data",
                sockets, handoff_protocol::kDataHeader);
}

void log_lack_of_descriptors(request_rec* r, int error) {
  ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(error), r,
                SHLOGNO(301) "no descriptors for a hand-off; raise Apache's limit of open files");
}

void log_relay(request_rec* r, const char* reason) {
  if (!is_first(&SharedMemory::has_relayed)) {
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(006) "relaying, because %s", reason);
    return;
  }
  ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                SHLOGNO(006) "relaying: a request is not handed off because %s; each such answer holds an Apache "
                "thread until it ends, and over HTTP/2 one of the few requests of its connection that mod_http2 runs "
                "at a time (this is logged once)",
                reason);
}

void log_relaying_daemon(request_rec* r, const Candidate& candidate) {
  const bool is_first_time = is_first(&SharedMemory::has_met_relaying_daemon);
  ap_log_rerror(APLOG_MARK, is_first_time ? APLOG_NOTICE : APLOG_DEBUG, 0, r,
                SHLOGNO(010) "the daemon at %s %s: its answers to such clients are relayed%s", candidate.path,
                explain(candidate.relay_reason), is_first_time ? " (this is logged once)" : "");
}

void log_delivery(request_rec* r, const Delivery& delivery, std::span<const Candidate> candidates,
                  const SocketList& sockets, apr_size_t data_bytes) {
  SH_CHECK(delivery.taker);
  const char* others = describe_others(r->pool, candidates, delivery.taker, sockets);
  const char* path = delivery.taker->path;
  switch (delivery.end) {
    case Delivery::End::kNotTaken:
      break;
    case Delivery::End::kTaken:
      ap_log_rerror(APLOG_MARK, *others ? APLOG_WARNING : APLOG_DEBUG, 0, r,
                    SHLOGNO(001) "handed off to %s with %" APR_SIZE_T_FMT " bytes%s", path, data_bytes, others);
      break;
    case Delivery::End::kTakenSilently:
      ap_log_rerror(APLOG_MARK, *others ? APLOG_WARNING : APLOG_DEBUG, 0, r,
                    SHLOGNO(001) "handed off to %s with %" APR_SIZE_T_FMT " bytes; the daemon never answers%s", path,
                    data_bytes, others);
      if (is_first(&SharedMemory::has_met_silent_daemon)) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                      SHLOGNO(007) "the daemon at %s takes clients and closes without an answer; set "
                      "SocketHandoffAcknowledge Off for it (this is logged once)",
                      path);
      }
      break;
    case Delivery::End::kTakenInPart:
      ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(delivery.taker->error), r,
                    SHLOGNO(204) "the daemon at %s took the client and only a part of the data%s", path, others);
      break;
    case Delivery::End::kWithoutAnswer:
      ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                    SHLOGNO(205) "the daemon at %s took the client and has not acknowledged it in time, or at all; has "
                    "it crashed, does it know SocketHandoffAcknowledge, and is SocketHandoffAcknowledgeTimeoutMs "
                    "long enough?%s",
                    path, others);
      break;
  }
}

void log_failure(request_rec* r, std::span<const Candidate> candidates, const Candidate& decisive,
                 const SocketList& sockets, std::span<const char* const> allowed_prefixes) {
  const char* others = describe_others(r->pool, candidates, &decisive, sockets);
  const apr_status_t error = APR_FROM_OS_ERROR(decisive.error);
  if (is_lack_of_descriptors(decisive.error)) return log_lack_of_descriptors(r, decisive.error);
  switch (decisive.state) {
    case Candidate::State::kNotAllowed:
      ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, SHLOGNO(201) "%s: '%s' %s (SocketHandoffAllowedPrefix is %s)%s",
                    handoff_protocol::kSocketHeader, decisive.path, explain(decisive.problem),
                    join(r->pool, allowed_prefixes), others);
      break;
    case Candidate::State::kUnreachable:
      ap_log_rerror(APLOG_MARK, APLOG_ERR, error, r,
                    SHLOGNO(202) "cannot connect to the daemon at %s (attempts: %d); is it running, and may this user "
                    "use its socket?%s",
                    decisive.path, decisive.attempts, others);
      break;
    case Candidate::State::kRelays:  // Apache relays its answer instead
    case Candidate::State::kConnected:
    case Candidate::State::kSendFailed:
      ap_log_rerror(APLOG_MARK, APLOG_ERR, error, r, SHLOGNO(203) "the daemon at %s did not take the hand-off%s",
                    decisive.path, others);
      break;
    case Candidate::State::kClosedUnanswered:
      ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                    SHLOGNO(206) "the daemon at %s closed the connection without an answer; did it crash?%s",
                    decisive.path, others);
      break;
    case Candidate::State::kRefused:
      ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, SHLOGNO(207) "the daemon at %s refused the client with %d%s",
                    decisive.path, decisive.status, others);
      break;
  }
}

}  // namespace socket_handoff
