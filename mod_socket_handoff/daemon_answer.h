// The daemon's answer to a hand-off: "A", or "R" and a JSON object with the status that the client should get. Pure;
// the daemon is another program, so nothing that it says is believed before it was checked.

#pragma once

#include <string_view>

namespace socket_handoff {

struct DaemonAnswer {
  enum class Kind {
    kNothing,  // not a byte
    kAccepted,
    kRefused,
    kNotAnAnswer,  // neither
  };

  Kind kind = Kind::kNothing;
  bool is_whole = false;        // no byte is missing; a refusal to a SOCK_STREAM connection may come in pieces
  int status = 503;             // of a refusal: 400 to 599, 503 where the daemon named no such status
  int retry_after_seconds = 0;  // likewise, 0 where the daemon named none
};

DaemonAnswer parse_daemon_answer(std::string_view text);

}  // namespace socket_handoff
