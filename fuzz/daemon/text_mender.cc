// SPDX-License-Identifier: Apache-2.0
// A text that is cut anywhere between two units of UTF-16, and escaped as a JavaScript server does, comes out whole;
// whatever comes out is UTF-8, and has what was UTF-8 before.

#include "backends/text_mender.h"

#include <cstdio>
#include <vector>

#include "backends/json_fields.h"
#include "fuzz/property.h"

namespace streaming {
namespace {

// False when it is no JSON.
bool mend(TextMender& mender, std::string json, std::string& all) {
  JsonObject object;
  if (!object.parse(json)) return false;
  const std::string_view piece = mender.next_piece(0, find_text(&object.root(), "x"));
  MUST(fuzz::is_utf8(piece));
  all += piece;
  return true;
}

std::vector<std::uint32_t> utf16(std::string_view utf8) {
  std::vector<std::uint32_t> units;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto first = static_cast<std::uint8_t>(utf8[at]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
    for (std::size_t next = 1; next < length; ++next) code = code << 6 | (utf8[at + next] & 0x3Fu);
    at += length;
    if (code < 0x10000) {
      units.push_back(code);
    } else {
      units.push_back(0xD800 + ((code - 0x10000) >> 10));
      units.push_back(0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return units;
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const std::string text(fuzz::text(data, size));
  TextMender any;
  std::string ignored;
  for (int i = 0; i < 2; ++i) mend(any, "{\"x\":\"" + text + "\"}", ignored);
  TextMender whole;
  const std::string mended(whole.whole(text));
  MUST(fuzz::is_utf8(mended));
  MUST(whole.has_replaced() == !fuzz::is_utf8(text));
  MUST(whole.whole(mended) == mended);
  if (!fuzz::is_utf8(text)) return 0;
  MUST(mended == text);

  TextMender mender;
  std::string all, piece;
  std::uint32_t random = static_cast<std::uint32_t>(size) * 2654435761u + 1;
  for (const std::uint32_t unit : utf16(text)) {
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", unit);
    piece += escape;
    if (((random = random * 1664525u + 1013904223u) >> 30) != 0) continue;
    MUST(mend(mender, "{\"x\":\"" + piece + "\"}", all));
    piece.clear();
  }
  MUST(mend(mender, "{\"x\":\"" + piece + "\"}", all));
  MUST(all == text);
  MUST(!mender.has_replaced());
  return 0;
}
