// SPDX-License-Identifier: Apache-2.0
// An upstream's event stream: the same events however it is cut, and those that the WHATWG's description gives.

#include "sse/parser.h"

#include <string>
#include <vector>

#include "fuzz/property.h"

namespace streaming {
namespace {

constexpr std::size_t kLimit = 256;  // small, so that inputs reach it

struct Parsed {
  std::vector<std::string> events;  // type, id and data of each
  bool too_large = false;
  bool operator==(const Parsed&) const = default;
};

void keep(Parsed& parsed, std::string_view type, std::string_view id, std::string_view data) {
  parsed.events.emplace_back(type);
  parsed.events.emplace_back(id);
  parsed.events.emplace_back(data);
}

// `next_length` gives the size of each read; `ends` whether the stream comes to its proper end.
template <typename NextLength>
Parsed parse(std::string_view bytes, NextLength next_length, bool ends = false) {
  SseParser parser(kLimit);
  Parsed parsed;
  const auto on_event = [&parsed](SseEvent& event) {
    MUST(!parsed.too_large);
    MUST(event.data.size() <= kLimit);
    MUST(event.data.c_str()[event.data.size()] == '\0');
    keep(parsed, event.type, event.id, event.data);
    event.data.assign("changed in place");  // as a JSON parser does
    return true;
  };
  while (!bytes.empty()) {
    const std::string read(bytes.substr(0, next_length()));  // a copy, so that a read beyond its end is seen
    bytes.remove_prefix(read.size());
    const bool go_on = parser.feed(read, on_event);
    MUST(!parsed.too_large || !go_on);
    parsed.too_large = !go_on;
  }
  if (ends) parser.finish(on_event);
  return parsed;
}

// What https://html.spec.whatwg.org/multipage/server-sent-events.html describes, without a limit.
class Reference {
 public:
  Parsed parse(std::string_view bytes) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    std::size_t end;
    while ((end = bytes.find_first_of("\r\n")) != std::string_view::npos) {
      read_line(bytes.substr(0, end));
      const bool is_crlf = bytes.substr(end).starts_with("\r\n");
      bytes.remove_prefix(end + (is_crlf ? 2 : 1));
    }
    return parsed_;
  }

 private:
  void read_line(std::string_view line) {
    if (line.empty()) {
      if (has_data_) keep(parsed_, type_, id_, data_);
      data_.clear();
      type_.clear();
      has_data_ = false;
      return;
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "event") type_ = value;
    if (name == "id" && value.find('\0') == std::string_view::npos) id_ = value;
    if (name != "data") return;
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }

  Parsed parsed_;
  std::string data_, type_, id_;
  bool has_data_ = false;
};

// The events written out again are the same stream.
std::string encode(const std::vector<std::string>& events) {
  std::string stream;
  for (std::size_t at = 0; at < events.size(); at += 3) {
    stream += "event: " + events[at] + "\nid: " + events[at + 1] + "\ndata: ";
    for (const char byte : events[at + 2]) byte == '\n' ? stream += "\ndata: " : stream += byte;
    stream += "\n\n";
  }
  return stream;
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const std::string_view bytes = fuzz::text(data, size);
  const Parsed whole = parse(bytes, [&] { return size; });
  MUST(parse(bytes, [] { return 1; }) == whole);
  std::uint32_t random = static_cast<std::uint32_t>(size) * 2654435761u + 1;
  MUST(parse(bytes, [&] { return 1 + ((random = random * 1664525u + 1013904223u) >> 28); }) == whole);

  // At its proper end the event that waits counts, as if a blank line followed.
  const std::string ended = std::string(bytes) + "\n\n";
  MUST(parse(
           bytes, [&] { return size; }, true) == parse(ended, [&] { return ended.size(); }));

  const Parsed expected = Reference().parse(bytes);
  if (whole.too_large) {
    MUST(whole.events.size() <= expected.events.size());
    MUST(std::equal(whole.events.begin(), whole.events.end(), expected.events.begin()));
    return 0;
  }
  MUST(whole.events == expected.events);
  const std::string encoded = encode(whole.events);
  const Parsed again = parse(encoded, [&] { return encoded.size(); });
  MUST(again.too_large || again.events == whole.events);
  return 0;
}
