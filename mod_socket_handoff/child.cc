// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/child.h"

#include <sys/mman.h>

#include <new>

#include "mod_socket_handoff/check.h"

namespace socket_handoff {
namespace {

constexpr char kRetainedAs[] = "mod_socket_handoff_counters";

// Written by the parent before there are children.
SharedMemory* the_shared_memory;

alignas(ChildProcess) unsigned char child_storage[sizeof(ChildProcess)];
ChildProcess* child;  // written before the child has threads

SharedMemory* map_shared_memory() {
  void* memory = ::mmap(nullptr, sizeof(SharedMemory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) SharedMemory{};
}

}  // namespace

int create_shared_memory(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* server) {
  void* retained = ap_retained_data_get(kRetainedAs);
  if (!retained) {
    retained = ap_retained_data_create(kRetainedAs, sizeof(SharedMemory*));
    *static_cast<SharedMemory**>(retained) = map_shared_memory();
  }
  the_shared_memory = *static_cast<SharedMemory**>(retained);
  if (!the_shared_memory) {
    ap_log_error(APLOG_MARK, APLOG_WARNING, APR_FROM_OS_ERROR(apr_get_os_error()), server,
                 SHLOGNO(303) "no memory to count hand-offs in; mod_status will show none");
  }
  return OK;
}

SharedMemory* shared_memory() {
  return the_shared_memory;
}

void create_child_process(apr_pool_t*, server_rec*) {
  child = new (child_storage) ChildProcess;
}

ChildProcess& child_process() {
  SH_CHECK(child);
  return *child;
}

}  // namespace socket_handoff
