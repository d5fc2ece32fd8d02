// SPDX-License-Identifier: Apache-2.0
#include "client/http2_head.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/header_field.h"

namespace streaming {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::string_view kStatusLine = "HTTP/1.1 ";
constexpr std::size_t kStatusDigits = 3;

// RFC 7541, section 6. None of these representations adds to the table.
constexpr char kTableSizeZero = 0x20;                // section 6.3
constexpr char kStatus200 = static_cast<char>(0x88);  // the static table has this one
constexpr char kOtherStatus = 0x08;                  // the static table has the name
constexpr char kField = 0x00;                        // a name and a value

// RFC 9113, section 8.2.2.
bool is_of_connection(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding",
                                                   "Upgrade"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view known) { return same_header_name(known, name); });
}

// RFC 7541, section 5.1, with a prefix of 7 bits; their eighth, which is 0, means that there is no Huffman code.
void append_length(Buffer& block, std::size_t length) {
  constexpr std::size_t kPrefix = 0x7f;
  if (length < kPrefix) return block.append(static_cast<char>(length));
  block.append(static_cast<char>(kPrefix));
  for (length -= kPrefix; length >= 0x80; length >>= 7) block.append(static_cast<char>(length | 0x80));
  block.append(static_cast<char>(length));
}

void append_string(Buffer& block, std::string_view string) {
  append_length(block, string.size());
  block.append(string);
}

void append_name(Buffer& block, std::string_view name) {
  append_length(block, name.size());
  for (const char letter : name) block.append(letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter);
}

// HTTP/2 does not allow spaces around a value (RFC 9113, section 8.2.1).
std::string_view without_spaces_around(std::string_view value) {
  constexpr std::string_view kSpaces = " \t";
  value.remove_prefix(std::min(value.find_first_not_of(kSpaces), value.size()));
  return value.substr(0, value.find_last_not_of(kSpaces) + 1);
}

}  // namespace

std::size_t append_header_block(std::string_view answer, Buffer& block) {
  const std::size_t end = answer.find(kEndOfHead);
  CHECK(answer.starts_with(kStatusLine) && end != std::string_view::npos);
  std::string_view lines = answer.substr(0, end + kEndOfLine.size());
  const std::string_view status = lines.substr(kStatusLine.size(), kStatusDigits);
  block.append(kTableSizeZero);
  if (status == "200") {
    block.append(kStatus200);
  } else {
    block.append(kOtherStatus);
    append_string(block, status);
  }
  while (lines.remove_prefix(lines.find(kEndOfLine) + kEndOfLine.size()), !lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find(kEndOfLine));
    const std::size_t colon = line.find(':');
    CHECK(colon != std::string_view::npos);
    const std::string_view name = line.substr(0, colon);
    if (is_of_connection(name)) continue;
    block.append(kField);
    append_name(block, name);
    append_string(block, without_spaces_around(line.substr(colon + 1)));
  }
  return end + kEndOfHead.size();
}

}  // namespace streaming
