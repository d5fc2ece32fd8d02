// SPDX-License-Identifier: Apache-2.0
// The journal of answers: whatever a file holds, its whole frames are read as they were written, and what they leave to
// be done is one report for each id, with a body that is at least an object's beginning.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "answers/journal_format.h"
#include "answers/journal_ledger.h"
#include "fuzz/property.h"

namespace {

using namespace streaming;

// A frame's content, written again by the function of its type; empty if it is not what its type has.
std::string written_again(const Frame& frame) {
  std::string bytes;
  if (frame.type == FrameType::kBegin) {
    if (const auto content = read_begin(frame.content)) append_begin(bytes, frame.id, *content);
  } else if (frame.type == FrameType::kText) {
    if (const auto content = read_text(frame.content)) append_text(bytes, frame.id, *content);
  } else if (frame.type == FrameType::kReport) {
    if (const auto content = read_report(frame.content)) append_report(bytes, frame.id, *content);
  } else if (frame.type == FrameType::kClientEnd) {
    if (const auto content = read_client_end(frame.content)) append_client_end(bytes, frame.id, *content);
  }
  return bytes;
}

void read(std::string_view file) {
  FrameReader reader(file);
  JournalLedger ledger;
  while (const std::optional<Frame> frame = reader.next()) {
    const std::string again = written_again(*frame);
    MUST(again.empty() || again == file.substr(reader.frame_begin(), reader.position() - reader.frame_begin()));
    ledger.add(*frame);
  }
  MUST(reader.position() <= file.size());
  std::set<ReportId> ids;
  for (const LeftReport& report : ledger.take()) {
    MUST(ids.insert(report.id).second);
    MUST(report.body.starts_with('{'));
  }
}

// Frames with a right CRC, which the fuzzer would never find: a byte for the type, one for the id, one for the length
// of the content.
std::string frames_of(std::string_view bytes) {
  std::string file;
  while (bytes.size() >= 3) {
    const ReportId id{static_cast<char>(bytes[1] & 3)};
    const std::string_view content = bytes.substr(3, static_cast<unsigned char>(bytes[2]));
    switch (bytes[0] % 6) {
      case 0:
        append_begin(file, id, {content.substr(0, 3), content.size() > 3 ? content.substr(3) : content});
        break;
      case 1:
        append_text(file, id, {(bytes[0] & 64) != 0, static_cast<std::uint32_t>(content.size() % 5), content});
        break;
      case 2:
        append_report(file, id, {static_cast<std::uint8_t>(content.size() % 9), {}, content.substr(0, 2), content});
        break;
      case 3:
        append_client_end(file, id, (bytes[0] & 64) != 0);
        break;
      case 4:
        append_done(file, id);
        break;
      default:
        file.append(content);
    }
    bytes.remove_prefix(3 + content.size());
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text(data, size);
  read(bytes);
  read(frames_of(bytes));
  return 0;
}
