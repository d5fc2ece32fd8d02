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
#include "sse/ui_message.h"

namespace streaming {

enum class Format : std::uint8_t {
  kContent,    // data: {"content":"TEXT"}
  kRaw,        // the upstream's own events; of a backend that has none, as in kContent
  kUiMessage,  // sse/ui_message.h
};

std::optional<Format> find_format(std::string_view name);

// "content, raw, ui-message"
std::string format_names();

// What the format puts into the head of its answers.
std::span<const HeaderField> format_headers(Format format);

class EventEncoder {
 public:
  // `message_id` is how kUiMessage calls the answer; of no use to others.
  explicit EventEncoder(Format format = Format::kContent, std::string message_id = {});

  // Whether it has a use for AnswerEvent::Kind::kUpstream, which costs a copy.
  bool wants_upstream_events() const { return format_ == Format::kRaw; }

  // Appends what the format makes of the event, and returns how many frames that is: often none.
  std::uint32_t append(Buffer& out, const AnswerEvent& event);

  // Whether the answer is more than the format can keep of it: it must be ended with an error.
  bool too_large() const { return ui_message_ && ui_message_->too_large(); }

  // Ends a whole answer. `done_event` puts a frame of type "done" before the end, for clients that get no other sign;
  // not in kUiMessage, whose client takes it for a broken frame of its own, and behind the upstream's own events only
  // as the identity "done", which no library sees.
  void append_end(Buffer& out, FinishReason reason, bool done_event);

  // Ends an answer that is not whole, so that the client can tell. `told_by_upstream`: the last of its own events said
  // so.
  void append_error(Buffer& out, std::string_view message, bool told_by_upstream);

 private:
  bool passes_upstream_events() const { return format_ == Format::kRaw && upstream_seen_; }

  std::unique_ptr<UiMessage> ui_message_;  // in kUiMessage alone
  Format format_;
  bool upstream_seen_ = false;
  bool content_written_ = false;  // frames of kContent
};

// : ping    a comment, which clients ignore, in every format
void append_heartbeat(Buffer& out);

}  // namespace streaming
