// SPDX-License-Identifier: Apache-2.0
#include "sse/event_encoder.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "sse/json_text.h"
#include "sse/limits.h"

namespace streaming {
namespace {

struct FormatName {
  Format format;
  std::string_view name;
};

constexpr std::array kFormats{
    FormatName{Format::kContent, "content"},
    FormatName{Format::kRaw, "raw"},
    FormatName{Format::kUiMessage, "ui-message"},
};

void append_content(Buffer& out, std::string_view text) {
  out.append("data: {\"content\":\"");
  append_json_text(out, text);
  out.append("\"}\n\n");
}

void append_field(Buffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(value);
  out.append('\n');
}

// The event as it was before parsing: a data field for each of its lines.
void append_upstream_event(Buffer& out, const AnswerEvent& event) {
  if (!event.name.empty()) append_field(out, "event: ", event.name);
  if (!event.id.empty()) append_field(out, "id: ", event.id);
  std::string_view rest = event.text;
  while (true) {
    const std::size_t end = rest.find('\n');
    append_field(out, "data: ", rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  out.append('\n');
}

// When an EventSource may ask again, and what it then sends in Last-Event-ID.
void append_reconnection(Buffer& out, const ClientError& error) {
  const int seconds = error.retry_after_seconds > 0 ? error.retry_after_seconds : kReconnectAfterErrorSeconds;
  append_field(out, "id: ", "error");
  append_field(out, "retry: ", std::to_string(seconds) + "000");
}

}  // namespace

std::optional<Format> find_format(std::string_view name) {
  const auto found =
      std::find_if(kFormats.begin(), kFormats.end(), [name](const FormatName& format) { return format.name == name; });
  return found == kFormats.end() ? std::nullopt : std::optional(found->format);
}

std::string_view format_name(Format format) {
  const auto found =
      std::find_if(kFormats.begin(), kFormats.end(), [format](const FormatName& named) { return named.format == format; });
  return found == kFormats.end() ? std::string_view() : found->name;
}

std::string format_names() {
  std::string names;
  for (const FormatName& format : kFormats) {
    if (!names.empty()) names += ", ";
    names += format.name;
  }
  return names;
}

std::span<const HeaderField> format_headers(Format format) {
  return format == Format::kUiMessage ? std::span(&kUiMessageHeader, 1) : std::span<const HeaderField>();
}

EventEncoder::EventEncoder(Format format, std::string message_id) : format_(format) {
  if (format == Format::kUiMessage) ui_message_ = std::make_unique<UiMessage>(std::move(message_id));
}

EventEncoder EventEncoder::of_encoded(Format format) {
  EventEncoder encoder;
  encoder.format_ = format;
  encoder.encoded_ = true;
  return encoder;
}

std::uint32_t EventEncoder::append(Buffer& out, const AnswerEvent& event) {
  if (ui_message_) return ui_message_->append(out, event);
  if (is_verbatim()) {
    out.append(event.text);
    return 1;
  }
  if (event.kind == AnswerEvent::Kind::kUpstream && format_ == Format::kRaw) {
    upstream_seen_ = true;
    append_upstream_event(out, event);
    return 1;
  }
  if (event.kind != AnswerEvent::Kind::kText || passes_upstream_events()) return append_encoded(out, event);
  append_content(out, event.text);
  content_written_ = true;
  return 1;
}

std::uint32_t EventEncoder::append_encoded(Buffer& out, const AnswerEvent& event) {
  const bool last = event.kind == AnswerEvent::Kind::kLastFrames;
  if (!last && event.kind != AnswerEvent::Kind::kFrames) return 0;
  CHECK(encoded_);
  out.append(event.text);
  ended_ = last;
  return event.index;
}

void EventEncoder::append_end(Buffer& out, FinishReason reason, bool done_event) {
  if (ui_message_) return ui_message_->append_end(out, reason);
  if (is_verbatim() || encoded_) return;
  // The identity returns in Last-Event-ID when an EventSource reconnects. It is sent without data, so it is not an
  // event: npm's `openai` throws if it receives an event that the API does not have.
  if (passes_upstream_events()) {
    if (done_event) out.append("id: done\n\n");
    return;
  }
  if (done_event) out.append("event: done\nid: done\ndata: {}\n\n");
  out.append("data: [DONE]\n\n");
}

void EventEncoder::append_stopped(Buffer& out, bool done_event) {
  if (ui_message_) return ui_message_->append_stopped(out);
  // An event that the API does not have would be an error for its library.
  if (format_ == Format::kRaw && !content_written_) {
    out.append(": stopped\n\n");
    if (done_event) out.append("id: done\n\n");
    return;
  }
  out.append("data: {\"stopped\":true}\n\n");
  append_end(out, FinishReason::kOther, done_event);
}

void EventEncoder::append_error(Buffer& out, const ClientError& error, bool reported_by_upstream) {
  CHECK(!is_verbatim());
  if (ended_) return;
  if (format_ == Format::kUiMessage) return UiMessage::append_error(out, error);
  append_reconnection(out, error);
  if (format_ != Format::kRaw || content_written_) {
    out.append("data: {");
    append_members(out, "error", error);
    out.append('}');
  } else if (!reported_by_upstream) {
    // The vendors' own libraries recognize this as an error in a stream.
    out.append("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",");
    append_members(out, "message", error);
    out.append("}}");
  } else {
    out.append('\n');  // without data it is no event
    return;
  }
  out.append("\n\n");
}

void append_heartbeat(Buffer& out) {
  out.append(": ping\n\n");
}

}  // namespace streaming
