// SPDX-License-Identifier: Apache-2.0
// SseParser: reads an event stream as the WHATWG's EventSource does, however it is cut into reads.
//
// One per upstream transfer, owned by it. The event handed out is valid during the call alone; its data may be changed
// in place (JSON is parsed there). Between two events it holds no buffer. A line or an event over `max_event_bytes`
// stops the parser for good. One thread.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace streaming {

struct SseEvent {
  std::string_view type;  // empty: "message"
  std::string_view id;    // the last one seen
  std::string& data;      // the data lines joined by LF, a NUL behind them
};

class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  // Parses `bytes` and calls on_event(SseEvent&) for each event that they complete, until it returns false (the rest is
  // then dropped). False when an event is too large.
  template <typename OnEvent>
  bool feed(std::string_view bytes, OnEvent&& on_event) {
    while (!bytes.empty()) {
      if (!take_line(bytes)) return !too_large_;
      if (!end_line()) continue;
      SseEvent event{type_, id_, data_};
      const bool go_on = on_event(event);
      clear_event();
      if (!go_on) return true;
    }
    return !too_large_;
  }

  // The stream has come to its proper end: hands out the event that no blank line has ended. EventSource drops such an
  // event; the vendors' libraries read it, because some servers leave the blank line out.
  template <typename OnEvent>
  void finish(OnEvent&& on_event) {
    if (too_large_) return;
    line_ = begun_;
    if (!begun_.empty()) end_line();
    if (data_.empty()) return;
    data_.pop_back();  // the LF behind the last line
    SseEvent event{type_, id_, data_};
    on_event(event);
    clear_event();
  }

  // What it keeps of an event that is not whole.
  std::size_t held() const { return begun_.size() + data_.size(); }

 private:
  // Takes the next line off `bytes`, as line_; false when it is not complete yet.
  bool take_line(std::string_view& bytes);
  // Interprets line_; true when it ended an event that is to be handed out.
  bool end_line();
  bool interpret(std::string_view line);
  void set_field(std::string_view name, std::string_view value);
  void clear_event();

  const std::size_t max_event_bytes_;
  std::string_view line_;  // in what is fed, or all of begun_
  std::string begun_;      // a line that the last bytes did not end
  std::string data_;
  std::string type_;
  std::string id_;
  bool first_line_ = true;  // a byte order mark may come
  bool after_cr_ = false;   // the last line ended in CR: an LF that follows belongs to it
  bool too_large_ = false;
};

}  // namespace streaming
