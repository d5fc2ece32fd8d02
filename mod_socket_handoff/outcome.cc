#include "mod_socket_handoff/outcome.h"

#include <apr_strings.h>
#include <mod_status.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <new>

#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

constexpr char kName[] = "SOCKET_HANDOFF";
constexpr char kRetainedAs[] = "mod_socket_handoff_counters";

struct Counter {
  const char* word;   // the variable's value
  const char* label;  // in mod_status' page for machines
};
constexpr Counter kCounters[kOutcomes] = {
    {"accepted", "SocketHandoffAccepted"},
    {"relayed", "SocketHandoffRelayed"},
    {"refused", "SocketHandoffRefused"},
    {"failed", "SocketHandoffFailed"},
};

// In memory that the children share.
struct SharedCounters {
  std::atomic<unsigned long> outcomes[kOutcomes];
  std::atomic<bool> has_relayed;
  std::atomic<bool> has_met_silent_daemon;
  AcknowledgedSockets acknowledged;
};
static_assert(std::atomic<unsigned long>::is_always_lock_free);

// Written by the parent before there are children.
SharedCounters* counters;

unsigned long count(int outcome) {
  return counters ? counters->outcomes[outcome].load(std::memory_order_relaxed) : 0;
}

SharedCounters* map_counters() {
  void* memory = ::mmap(nullptr, sizeof(SharedCounters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) SharedCounters{};
}

void set_on(request_rec* r, const char* word) {
  apr_table_setn(r->subprocess_env, kName, word);
  apr_table_setn(r->notes, kName, word);
}

}  // namespace

void record_outcome(request_rec* r, Outcome outcome) {
  const int index = static_cast<int>(outcome);
  for (request_rec* request = r; request; request = request->prev) set_on(request, kCounters[index].word);
  if (counters) counters->outcomes[index].fetch_add(1, std::memory_order_relaxed);
}

int carry_outcome_on(request_rec* r) {
  const char* word = nullptr;
  for (request_rec* request = r; request; request = request->next) {
    if (const char* own = apr_table_get(request->notes, kName)) {
      word = own;
    } else if (word) {
      set_on(request, word);
    }
  }
  return DECLINED;
}

int create_counters(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* server) {
  // Anonymous memory, so that nothing is left behind whatever ends the server.
  void* retained = ap_retained_data_get(kRetainedAs);
  if (!retained) {
    retained = ap_retained_data_create(kRetainedAs, sizeof(SharedCounters*));
    *static_cast<SharedCounters**>(retained) = map_counters();
  }
  counters = *static_cast<SharedCounters**>(retained);
  if (!counters) {
    ap_log_error(APLOG_MARK, APLOG_WARNING, APR_FROM_OS_ERROR(apr_get_os_error()), server,
                 SHLOGNO(303) "no memory to count hand-offs in; mod_status will show none");
  }
  return OK;
}

int show_counters(request_rec* r, int flags) {
  const bool is_for_machines = (flags & AP_STATUS_SHORT) != 0;
  if (!is_for_machines) ap_rputs("<hr />\n<h2>Hand-offs by mod_socket_handoff</h2>\n<dl>\n", r);
  for (int outcome = 0; outcome < kOutcomes; ++outcome) {
    const Counter& counter = kCounters[outcome];
    if (is_for_machines) {
      ap_rprintf(r, "%s: %lu\n", counter.label, count(outcome));
    } else {
      ap_rprintf(r, "<dt>%s: %lu</dt>\n", counter.word, count(outcome));
    }
  }
  if (!is_for_machines) ap_rputs("</dl>\n", r);
  return OK;
}

AcknowledgedSockets& acknowledged_sockets() {
  static constinit AcknowledgedSockets of_this_process;
  return counters ? counters->acknowledged : of_this_process;
}

bool is_first_relay() {
  return counters && !counters->has_relayed.exchange(true);
}

bool is_first_silent_daemon() {
  return counters && !counters->has_met_silent_daemon.exchange(true);
}

namespace {

const char* error_text(apr_pool_t* pool, int error) {
  char text[128];
  return apr_pstrdup(pool, apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof text));
}

// Half a sentence that follows the socket's path; null of a socket that was not tried, or took the client.
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
    case Candidate::State::kNotTaken:
      return apr_psprintf(pool, "did not take the hand-off (%s)", error_text(pool, candidate.error));
    case Candidate::State::kClosed:
      return "closed without an answer";
    case Candidate::State::kRefused:
      return apr_psprintf(pool, "refused with %d", candidate.status);
  }
  return nullptr;
}

// "; '/run/a.sock' refused with 503", or nothing.
const char* describe_others(apr_pool_t* pool, std::span<const Candidate> candidates, const Candidate* than,
                            const SocketList& sockets) {
  const char* text = "";
  for (const Candidate& candidate : candidates) {
    const char* description = &candidate == than ? nullptr : describe(pool, candidate);
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

bool is_want_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE;
}

// What has closed the client's descriptor under a hand-off is the end of this process.
const char* explain_failed_send(int error) {
  return error == EBADF ? ": Apache was stopped meanwhile, and has closed the client's connection" : "";
}

}  // namespace

void log_missing_data(request_rec* r, const char* sockets) {
  ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                SHLOGNO(008) "a hand-off to %s was asked for without data; did PHP drop a %s of several lines? Set it "
                "to {} if there is none",
                sockets, handoff_protocol::kDataHeader);
}

void log_want_of_descriptors(request_rec* r, int error) {
  ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(error), r,
                SHLOGNO(301) "no descriptors for a hand-off; raise Apache's limit of open files");
}

void log_delivery(request_rec* r, const Delivery& delivery, std::span<const Candidate> candidates,
                  const SocketList& sockets, apr_size_t payload_bytes) {
  const char* others = describe_others(r->pool, candidates, delivery.taker, sockets);
  const char* path = delivery.taker->path;
  switch (delivery.end) {
    case Delivery::End::kNotTaken:
      break;
    case Delivery::End::kTaken:
      ap_log_rerror(APLOG_MARK, *others ? APLOG_WARNING : APLOG_DEBUG, 0, r,
                    SHLOGNO(001) "handed off to %s with %" APR_SIZE_T_FMT " bytes%s", path, payload_bytes, others);
      break;
    case Delivery::End::kTakenSilently:
      ap_log_rerror(APLOG_MARK, *others ? APLOG_WARNING : APLOG_DEBUG, 0, r,
                    SHLOGNO(001) "handed off to %s with %" APR_SIZE_T_FMT " bytes; the daemon never answers%s", path,
                    payload_bytes, others);
      if (is_first_silent_daemon()) {
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
                    SHLOGNO(205) "the daemon at %s took the client and has not said so in time; does it know "
                    "SocketHandoffAcknowledge, and is SocketHandoffAcknowledgeTimeoutMs long enough?%s",
                    path, others);
      break;
  }
}

void log_failure(request_rec* r, std::span<const Candidate> candidates, const Candidate& decisive,
                 const SocketList& sockets, std::span<const char* const> allowed_prefixes) {
  const char* others = describe_others(r->pool, candidates, &decisive, sockets);
  const apr_status_t error = APR_FROM_OS_ERROR(decisive.error);
  if (is_want_of_descriptors(decisive.error)) return log_want_of_descriptors(r, decisive.error);
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
    case Candidate::State::kConnected:
    case Candidate::State::kNotTaken:
      ap_log_rerror(APLOG_MARK, APLOG_ERR, error, r, SHLOGNO(203) "the daemon at %s did not take the hand-off%s%s",
                    decisive.path, explain_failed_send(decisive.error), others);
      break;
    case Candidate::State::kClosed:
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
