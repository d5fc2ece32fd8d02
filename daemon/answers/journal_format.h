// SPDX-License-Identifier: Apache-2.0
// The format of the journal: frames, one behind the other. Pure.
//
// A frame is the length of its body and the body's CRC-32, four bytes each, and the body: a byte for its type, 16 for
// the report that it is about, and what the type has. Numbers are little-endian. A frame that is not whole ends the
// file: the process or the machine has stopped while it was written.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "answers/answer_report.h"

namespace streaming {

// A report's name, from the answer's beginning on.
using ReportId = std::array<char, 16>;
ReportId new_report_id();
// As the header webhook-id has it.
std::string webhook_id(const ReportId& id);
// Of the report that another host sends if the report's own has died. It is not the same one, because that host may only
// be cut off from the store: it then sends the whole answer later, which no receiver must take for a repetition.
ReportId id_of_others_report(ReportId id);
// Nothing if the text is none.
std::optional<ReportId> parse_webhook_id(std::string_view text);

enum class FrameType : std::uint8_t {
  kBegin = 1,  // an answer begins: its hook, and the beginning of its report
  kText,       // a part of its texts
  kReport,     // its whole report, once it has ended, or once more when a hook has not taken it
  kClientEnd,  // whether the client has the answer's end
  kDone,       // the report needs no more
};

struct Frame {
  FrameType type{};
  ReportId id{};
  std::string_view content;  // behind the id
};

// Contents.
struct BeginContent {
  std::string_view hook;
  std::string_view beginning;  // of the report
};
struct TextContent {
  bool reasoning = false;
  std::uint32_t offset = 0;  // of the part in its text
  std::string_view text;
};
struct ReportContent {
  std::uint8_t failures = 0;
  WallTime due{};  // when it is to be sent
  std::string_view hook;
  std::string_view body;
};

// The frame's bytes are appended to `out`.
void append_begin(std::string& out, const ReportId& id, const BeginContent& content);
void append_text(std::string& out, const ReportId& id, const TextContent& content);
void append_report(std::string& out, const ReportId& id, const ReportContent& content);
void append_client_end(std::string& out, const ReportId& id, bool client_has_end);
void append_done(std::string& out, const ReportId& id);

// Nothing if the content is not what its type has.
std::optional<BeginContent> read_begin(std::string_view content);
std::optional<TextContent> read_text(std::string_view content);
std::optional<ReportContent> read_report(std::string_view content);
std::optional<bool> read_client_end(std::string_view content);

// Reads the frames of a file's bytes, which outlive it.
class FrameReader {
 public:
  explicit FrameReader(std::string_view bytes) : bytes_(bytes) {}

  // The next frame; nothing at the end of the whole frames.
  std::optional<Frame> next();
  // Where the last frame began, and where it ended.
  std::size_t frame_begin() const { return begin_; }
  std::size_t position() const { return at_; }

 private:
  const std::string_view bytes_;
  std::size_t begin_ = 0;
  std::size_t at_ = 0;
};

}  // namespace streaming
