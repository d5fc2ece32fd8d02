// SPDX-License-Identifier: Apache-2.0
// ResponseReader: reads one client's answer byte by byte: its status, its events, and whether it is complete.
//
// A member of its client, so it keeps only the beginning of one line. Pure.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace streaming::bench {

class ResponseReader {
 public:
  void read(std::string_view bytes);

  // 0 until the status line has arrived; -1 if the answer is not HTTP.
  int status() const { return status_; }
  // The number of events with data, not counting [DONE].
  std::uint32_t events() const { return events_; }
  // True if [DONE] was the last event and nothing followed it except, in a chunked answer, the last chunk.
  bool done() const { return done_ && (!chunked_ || last_chunk_); }

 private:
  static constexpr std::size_t kKept = 15;  // "HTTP/1.1 200 OK"; "data: [DONE]" is shorter

  enum class Part : std::uint8_t { kStatusLine, kHead, kBody };

  void keep(std::string_view bytes);
  void on_line();
  void on_status_line(std::string_view line);
  void on_body_line(std::string_view line);

  std::array<char, kKept> line_;  // its beginning
  std::uint8_t kept_ = 0;
  Part part_ = Part::kStatusLine;
  bool longer_ : 1 = false;    // the line has more bytes than were kept
  bool has_data_ : 1 = false;  // since the last blank line
  bool says_done_ : 1 = false;
  bool done_ : 1 = false;
  bool chunked_ : 1 = false;
  bool last_chunk_ : 1 = false;  // its size was the last line that is not blank
  std::int16_t status_ = 0;
  std::uint32_t events_ = 0;
};

static_assert(sizeof(ResponseReader) == 24);

}  // namespace streaming::bench
