// Refusal: why a hand-off does not become a stream, as the client is to hear it, from Apache or from the daemon.

#pragma once

#include <string>

namespace streaming {

struct Refusal {
  int status = 503;             // of HTTP
  std::string message;          // for the client: names the mistake, no internals
  int retry_after_seconds = 0;  // 0: not said
};

}  // namespace streaming
