// SPDX-License-Identifier: Apache-2.0
#include "answers/journal_format.h"

#include <sys/random.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "answers/limits.h"
#include "base/check.h"

namespace streaming {
namespace {

constexpr std::string_view kIdPrefix = "msg_";
constexpr std::string_view kHexDigits = "0123456789abcdef";

template <typename Number>
void append_number(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    out += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 255);
  }
}

// Takes it from the front; false if there are too few bytes.
template <typename Number>
bool take_number(std::string_view& from, Number& number) {
  if (from.size() < sizeof number) return false;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  }
  number = static_cast<Number>(value);
  from.remove_prefix(sizeof number);
  return true;
}

// With its length, which a hook's name's limit fits into a byte.
void append_name(std::string& out, std::string_view name) {
  CHECK(name.size() <= UINT8_MAX);
  append_number(out, static_cast<std::uint8_t>(name.size()));
  out.append(name);
}

bool take_name(std::string_view& from, std::string_view& name) {
  std::uint8_t bytes = 0;
  if (!take_number(from, bytes) || from.size() < bytes) return false;
  name = from.substr(0, bytes);
  from.remove_prefix(bytes);
  return true;
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

constexpr std::size_t kHeadBytes = 8;
constexpr std::size_t kLeastBody = 1 + std::tuple_size_v<ReportId>;

// Writes the head when the content has been appended.
class FrameWriter {
 public:
  FrameWriter(std::string& out, FrameType type, const ReportId& id) : out_(out), begin_(out.size()) {
    out_.append(kHeadBytes, '\0');
    append_number(out_, static_cast<std::uint8_t>(type));
    out_.append(id.data(), id.size());
  }
  ~FrameWriter() {
    const std::string_view body = std::string_view(out_).substr(begin_ + kHeadBytes);
    CHECK(body.size() <= kMaxFrameBytes);
    std::string head;
    append_number(head, static_cast<std::uint32_t>(body.size()));
    append_number(head, crc_of(body));
    std::copy(head.begin(), head.end(), out_.begin() + static_cast<std::ptrdiff_t>(begin_));
  }

 private:
  std::string& out_;
  const std::size_t begin_;
};

}  // namespace

ReportId new_report_id() {
  ReportId id;
  CHECK(getentropy(id.data(), id.size()) == 0);
  return id;
}

std::string webhook_id(const ReportId& id) {
  std::string text(kIdPrefix);
  for (const char byte : id) {
    text += kHexDigits[static_cast<unsigned char>(byte) >> 4];
    text += kHexDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

ReportId id_of_others_report(ReportId id) {
  id.back() = static_cast<char>(id.back() ^ 1);
  return id;
}

std::optional<ReportId> parse_webhook_id(std::string_view text) {
  ReportId id;
  if (!text.starts_with(kIdPrefix) || text.size() != kIdPrefix.size() + 2 * id.size()) return std::nullopt;
  text.remove_prefix(kIdPrefix.size());
  for (std::size_t i = 0; i < id.size(); ++i) {
    const std::size_t high = kHexDigits.find(text[2 * i]), low = kHexDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    id[i] = static_cast<char>(high << 4 | low);
  }
  return id;
}

void append_begin(std::string& out, const ReportId& id, const BeginContent& content) {
  const FrameWriter frame(out, FrameType::kBegin, id);
  append_name(out, content.hook);
  out.append(content.beginning);
}

void append_text(std::string& out, const ReportId& id, const TextContent& content) {
  const FrameWriter frame(out, FrameType::kText, id);
  append_number(out, std::uint8_t{content.reasoning});
  append_number(out, content.offset);
  out.append(content.text);
}

void append_report(std::string& out, const ReportId& id, const ReportContent& content) {
  const FrameWriter frame(out, FrameType::kReport, id);
  append_number(out, content.failures);
  append_number(out, content.due.time_since_epoch().count());
  append_name(out, content.hook);
  out.append(content.body);
}

void append_client_end(std::string& out, const ReportId& id, bool client_has_end) {
  const FrameWriter frame(out, FrameType::kClientEnd, id);
  append_number(out, std::uint8_t{client_has_end});
}

void append_done(std::string& out, const ReportId& id) {
  const FrameWriter frame(out, FrameType::kDone, id);
}

std::optional<BeginContent> read_begin(std::string_view content) {
  BeginContent begin;
  if (!take_name(content, begin.hook)) return std::nullopt;
  begin.beginning = content;
  const bool valid = content.starts_with('{') && content.size() <= kMaxReportBeginningBytes;
  return valid ? std::optional(begin) : std::nullopt;
}

std::optional<TextContent> read_text(std::string_view content) {
  TextContent text;
  std::uint8_t kind = 0;
  if (!take_number(content, kind) || kind > 1 || !take_number(content, text.offset)) return std::nullopt;
  text.reasoning = kind == 1;
  text.text = content;
  return text;
}

std::optional<ReportContent> read_report(std::string_view content) {
  ReportContent report;
  std::int64_t due_ms = 0;
  const bool valid = take_number(content, report.failures) && take_number(content, due_ms) &&
                     take_name(content, report.hook) && content.starts_with('{');
  if (!valid || report.failures > kReportPauses.size() || content.size() > kMaxReportBytes) return std::nullopt;
  report.due = WallTime(Duration(due_ms));
  report.body = content;
  return report;
}

std::optional<bool> read_client_end(std::string_view content) {
  if (content.size() != 1 || static_cast<unsigned char>(content[0]) > 1) return std::nullopt;
  return content[0] == 1;
}

std::optional<Frame> FrameReader::next() {
  std::string_view rest = bytes_.substr(at_);
  std::uint32_t bytes = 0, crc = 0;
  if (!take_number(rest, bytes) || !take_number(rest, crc)) return std::nullopt;
  if (bytes < kLeastBody || bytes > kMaxFrameBytes || bytes > rest.size()) return std::nullopt;
  const std::string_view body = rest.substr(0, bytes);
  const auto type = static_cast<std::uint8_t>(body[0]);
  if (crc_of(body) != crc || type < static_cast<std::uint8_t>(FrameType::kBegin) ||
      type > static_cast<std::uint8_t>(FrameType::kDone)) {
    return std::nullopt;
  }
  Frame frame{.type = static_cast<FrameType>(type), .id = {}, .content = body.substr(kLeastBody)};
  std::memcpy(frame.id.data(), body.data() + 1, frame.id.size());
  begin_ = at_;
  at_ += kHeadBytes + bytes;
  return frame;
}

}  // namespace streaming
