// SPDX-License-Identifier: Apache-2.0
// Preloaded into the daemon to imitate a kernel without memory for completions. When the file named by
// LOSE_COMPLETIONS_AT appears, each ring gets one report that a completion was lost.

#include <dlfcn.h>
#include <liburing.h>
#include <unistd.h>

#include <cstdlib>

namespace {

void lose_a_completion(io_uring* ring) {
  thread_local bool lost = false;
  const char* const sign = std::getenv("LOSE_COMPLETIONS_AT");
  if (lost || sign == nullptr || access(sign, F_OK) != 0) return;
  lost = true;
  ++*ring->cq.koverflow;
}

template <typename Function, typename... Arguments>
int original(const char* name, Arguments... arguments) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name))(arguments...);
}

}  // namespace

extern "C" int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** first, unsigned count,
                                                __kernel_timespec* timeout, sigset_t* signals) {
  lose_a_completion(ring);
  return original<int (*)(io_uring*, io_uring_cqe**, unsigned, __kernel_timespec*, sigset_t*)>(
      "io_uring_submit_and_wait_timeout", ring, first, count, timeout, signals);
}
