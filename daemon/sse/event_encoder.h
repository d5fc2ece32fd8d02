// EventEncoder: writes an answer as the events of one format. Pure; one per stream, on its thread.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "sse/answer_event.h"

namespace streaming {

enum class Format : std::uint8_t {
  kContent,  // data: {"content":"TEXT"}
  kRaw,      // the upstream's own events; of a backend that has none, as in kContent
};

std::optional<Format> find_format(std::string_view name);

// "content, raw"
std::string format_names();

class EventEncoder {
 public:
  explicit EventEncoder(Format format = Format::kContent) : format_(format) {}

  // Whether it has a use for AnswerEvent::Kind::kUpstream, which costs a copy.
  bool wants_upstream_events() const { return format_ == Format::kRaw; }

  // Appends what the format makes of the event, and returns how many frames that is: often none.
  std::uint32_t append(Buffer& out, const AnswerEvent& event);

  // Ends a whole answer. `done_event` puts a frame of type "done" before the end, for clients that get no other sign.
  void append_end(Buffer& out, FinishReason reason, bool done_event);

  // Ends an answer that is not whole, so that the client can tell. `told_by_upstream`: the last of its own events said
  // so.
  void append_error(Buffer& out, std::string_view message, bool told_by_upstream);

 private:
  bool passes_upstream_events() const { return format_ == Format::kRaw && upstream_seen_; }

  Format format_;
  bool upstream_seen_ = false;
};

// : ping    a comment, which clients ignore, in every format
void append_heartbeat(Buffer& out);

}  // namespace streaming
