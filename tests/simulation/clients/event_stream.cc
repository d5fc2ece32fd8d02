// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/event_stream.h"

#include <charconv>
#include <cstdint>

namespace streaming::simulation {
namespace {

void note_first(std::string& problem, std::string_view what, std::string_view where) {
  if (problem.empty()) problem = std::string(what) + ": " + std::string(where.substr(0, 200));
}

void read_field(std::string_view line, EventFrame& frame, std::string& problem) {
  if (line.front() == ':') {
    frame.comment = line.substr(line.size() > 1 && line[1] == ' ' ? 2 : 1);
    return;
  }
  const std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos) return note_first(problem, "no field of an event", line);
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = line.substr(colon + 2);
  if (name == "data") {
    if (frame.has_data) frame.data += '\n';
    frame.data += value;
    frame.has_data = true;
  } else if (name == "event" && frame.type.empty()) {
    frame.type = value;
  } else if (name == "id" && !frame.has_id) {
    frame.id = value;
    frame.has_id = true;
  } else if (name == "retry" && frame.retry_ms < 0) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), frame.retry_ms);
    if (error != std::errc() || end != value.data() + value.size()) note_first(problem, "no time to retry", line);
  } else {
    note_first(problem, "a field that is unknown or comes twice", line);
  }
}

EventFrame read_frame(std::string_view bytes, std::string& problem) {
  EventFrame frame{.bytes = bytes};
  for (std::string_view rest = bytes.substr(0, bytes.size() - 1); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (end > 0) read_field(rest.substr(0, end), frame, problem);
    rest.remove_prefix(end + 1);
  }
  return frame;
}

}  // namespace

EventStream read_event_stream(std::string_view body, bool is_text) {
  constexpr std::string_view kEnd = "\n\n";
  EventStream stream;
  if (const std::size_t at = body.find('\r'); at != std::string_view::npos) {
    note_first(stream.problem, "a carriage return", body.substr(at));
  }
  if (is_text && !is_unicode(body, true)) note_first(stream.problem, "invalid UTF-8", body);
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = body.find(kEnd, begin)) != std::string_view::npos;) {
    const std::string_view bytes = body.substr(begin, end + kEnd.size() - begin);
    if (bytes == kEnd) note_first(stream.problem, "an empty event", body.substr(begin));
    stream.frames.push_back(read_frame(bytes, stream.problem));
    begin = end + kEnd.size();
  }
  stream.incomplete = body.substr(begin);
  return stream;
}

bool is_unicode(std::string_view text, bool may_be_cut) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[at]);
    const std::size_t bytes = first < 0x80   ? 1
                              : first < 0xc2 ? 0
                              : first < 0xe0 ? 2
                              : first < 0xf0 ? 3
                              : first < 0xf5 ? 4
                                             : 0;
    if (bytes == 0) return false;
    std::uint32_t point = bytes == 1 ? first : first & (0xffu >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) {
      if (at + i == text.size()) return may_be_cut;
      const auto next = static_cast<std::uint8_t>(text[at + i]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    const bool is_overlong = (bytes == 3 && point < 0x800) || (bytes == 4 && point < 0x10000);
    if (is_overlong || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff) return false;
    at += bytes;
  }
  return true;
}

}  // namespace streaming::simulation
