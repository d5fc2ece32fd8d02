// A payload that is too large for a message: in a memfd, sealed, so that the daemon can map it without fear that it
// changes or shrinks.

#pragma once

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/payload.h"

namespace socket_handoff {

UniqueDescriptor make_payload_file(const Payload& payload);  // none, and errno set, where there is no room

}  // namespace socket_handoff
