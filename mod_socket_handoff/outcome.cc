#include "mod_socket_handoff/outcome.h"

#include <mod_status.h>
#include <sys/mman.h>

#include <atomic>
#include <new>

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

}  // namespace socket_handoff
