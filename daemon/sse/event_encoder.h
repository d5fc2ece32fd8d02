// SPDX-License-Identifier: Apache-2.0
// EventEncoder: writes an answer as the events of one format. Pure; one per stream, on its thread.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "sse/answer_event.h"
#include "sse/client_error.h"
#include "sse/ui_message.h"

namespace streaming {

enum class Format : std::uint8_t {
  kContent,    // data: {"content":"TEXT"}
  kRaw,        // the upstream's own events; the same as kContent if the backend has none
  kUiMessage,  // sse/ui_message.h
  kVerbatim,   // the text as it is: a whole HTTP response, which the backend writes itself. Nobody can ask for it
};

std::optional<Format> find_format(std::string_view name);

// Empty for kVerbatim.
std::string_view format_name(Format format);

// "content, raw, ui-message"
std::string format_names();

// The header fields that the format adds to the head of its answers.
std::span<const HeaderField> format_headers(Format format);

class EventEncoder {
 public:
  // `message_id` names the answer in kUiMessage; other formats ignore it.
  explicit EventEncoder(Format format = Format::kContent, std::string message_id = {});
  // For an answer whose events come in kFrames and kLastFrames: nothing is encoded but an error before its end.
  static EventEncoder of_encoded(Format format);

  Format format() const { return format_; }
  // Whether the backend writes all that the client gets: the head, the events and the end.
  bool is_verbatim() const { return format_ == Format::kVerbatim; }

  // Whether it was made by of_encoded().
  bool passes_encoded() const { return encoded_; }

  // Whether it uses AnswerEvent::Kind::kUpstream, which costs a copy.
  bool wants_upstream_events() const { return format_ == Format::kRaw; }

  // Appends the event in its format and returns the number of frames, which is often 0.
  std::uint32_t append(Buffer& out, const AnswerEvent& event);

  // Whether the answer exceeds what the format can keep. If so, end it with an error.
  bool too_large() const { return ui_message_ && ui_message_->too_large(); }

  // Ends a complete answer. `done_event` adds a frame of type "done" before the end, for clients that notice no other
  // sign. kUiMessage never has it, because its client would take it for a broken frame. After the upstream's own events
  // it is only the identity "done", which libraries do not see.
  void append_end(Buffer& out, FinishReason reason, bool done_event);

  // Ends an answer that a user has stopped: as a complete one, with a sign of that.
  void append_stopped(Buffer& out, bool done_event);

  // Ends an incomplete answer so that the client notices. `reported_by_upstream`: the upstream's last event was the
  // error. An EventSource returns the identity "error" when it asks again, and does so no sooner than the error allows.
  // kUiMessage has neither, because its client is no EventSource. Not of a verbatim answer, in which nothing but the
  // backend's text has a place.
  void append_error(Buffer& out, const ClientError& error, bool reported_by_upstream);

 private:
  bool passes_upstream_events() const { return format_ == Format::kRaw && upstream_seen_; }
  std::uint32_t append_encoded(Buffer& out, const AnswerEvent& event);

  std::unique_ptr<UiMessage> ui_message_;  // null in other formats
  Format format_;
  bool upstream_seen_ : 1 = false;
  bool content_written_ : 1 = false;  // a frame of kContent was written
  bool encoded_ : 1 = false;
  bool ended_ : 1 = false;  // the end came encoded
};

// Appends ": ping", a comment, which clients ignore. The same in every format.
void append_heartbeat(Buffer& out);

}  // namespace streaming
