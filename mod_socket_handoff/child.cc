#include "mod_socket_handoff/child.h"

#include <new>

namespace socket_handoff {
namespace {

alignas(ChildProcess) unsigned char storage[sizeof(ChildProcess)];

}  // namespace

void create_child_process(apr_pool_t*, server_rec*) {
  new (storage) ChildProcess;
}

ChildProcess& child_process() {
  return *std::launder(reinterpret_cast<ChildProcess*>(storage));
}

}  // namespace socket_handoff
