// SPDX-License-Identifier: Apache-2.0
// SseParser: parses an event stream by the rules of the WHATWG's EventSource, wherever the reads split it.
//
// One per upstream transfer, which owns it; on its thread. An event is valid only during the call that passes it; the
// call may change its data in place (JSON is parsed there). Between two events the parser holds the last id alone. A
// line or an event over `max_event_bytes`, its type and its id included, stops it for good.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/buffer.h"

namespace streaming {

struct SseEvent {
  std::string_view type;  // empty: "message"
  std::string_view id;    // the last one received
  std::string& data;      // the data lines joined by LF, with a NUL after them
};

class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  // Parses `bytes` and calls on_event(SseEvent&) for each event that they complete, until that returns false; the rest
  // is then dropped. Returns false if an event is too large.
  template <typename OnEvent>
  bool feed(std::string_view bytes, OnEvent&& on_event) {
    std::string_view line;
    while (!bytes.empty()) {
      if (!take_line(bytes, line)) return !too_large_;
      if (!end_line(line)) continue;
      SseEvent event{type_, id_, data_};
      const bool go_on = on_event(event);
      clear_event();
      if (!go_on) return true;
    }
    return !too_large_;
  }

  // Call it at the stream's regular end: it passes on a last event without a blank line after it. EventSource drops
  // such an event; the vendors' libraries read it, because some servers omit the blank line.
  template <typename OnEvent>
  void finish(OnEvent&& on_event) {
    if (too_large_) return;
    if (!begun_.empty()) end_line(begun_.view());
    if (data_.empty()) return;
    data_.pop_back();  // the LF after the last line
    SseEvent event{type_, id_, data_};
    on_event(event);
    clear_event();
  }

  // Bytes that it keeps of an incomplete event, and of the last id.
  std::size_t held() const { return begun_.size() + data_.size() + type_.capacity() + id_.capacity(); }

 private:
  // Moves the next line from `bytes` to `line`; false if it is not complete yet. It is a part of `bytes`, or all of
  // begun_.
  bool take_line(std::string_view& bytes, std::string_view& line);
  // Interprets the line; true if it completed an event.
  bool end_line(std::string_view line);
  bool interpret(std::string_view line);
  void set_field(std::string_view name, std::string_view value);
  void clear_event();

  const std::size_t max_event_bytes_;
  Buffer begun_;  // the beginning of a line that is not complete
  std::string data_;
  std::string type_;
  std::string id_;
  bool first_line_ = true;  // may begin with a byte order mark
  bool after_cr_ = false;   // the last line ended with CR: an LF after it belongs to it
  bool too_large_ = false;
};

}  // namespace streaming
