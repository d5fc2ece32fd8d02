// SPDX-License-Identifier: Apache-2.0
#include "top/screen.h"

#include <wchar.h>

#include <algorithm>
#include <cstdint>

namespace top {
namespace {

struct Character {
  std::string_view bytes;
  char32_t code = 0;  // 0: not UTF-8
};

// Takes the first character off the text, of which there is one at least.
Character take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  char32_t code = length == 1 ? lead : length == 0 ? 0 : lead & (0x7fu >> length);
  bool valid = length != 0 && length <= text.size() && lead < 0xf5;
  for (std::size_t i = 1; valid && i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    valid = (byte & 0xc0) == 0x80;
    code = code << 6 | (byte & 0x3fu);
  }
  const Character character{text.substr(0, valid ? length : 1), valid ? code : 0};
  text.remove_prefix(character.bytes.size());
  return character;
}

// 0: not to be shown as it is. Box and block elements, which wcwidth() does not know in the C locale, take one.
int cells_of(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (code < 0x7f) return 1;
  if (code >= 0x2500 && code < 0x2600) return 1;
  const int width = wcwidth(static_cast<wchar_t>(code));
  return std::clamp(width, 0, 2);
}

}  // namespace

Screen::Screen(Size size, Abilities abilities)
    : size_{std::clamp(size.columns, 1, 1000), std::clamp(size.rows, 1, 500)},
      abilities_(abilities),
      cells_(static_cast<std::size_t>(size_.columns) * static_cast<std::size_t>(size_.rows)) {
}

Screen::Cell* Screen::cell(int row, int column) {
  if (row < 0 || row >= size_.rows || column < 0 || column >= size_.columns) return nullptr;
  return &cells_[static_cast<std::size_t>(row) * static_cast<std::size_t>(size_.columns) +
                 static_cast<std::size_t>(column)];
}

int Screen::put(int row, int column, std::string_view text, Style style) {
  while (!text.empty()) {
    Character character = take_character(text);
    int cells = cells_of(character.code);
    if (cells == 0 || (!abilities_.utf8 && character.code >= 0x7f)) {
      character.bytes = "?";
      cells = 1;
    }
    if (column + cells > size_.columns) return column;
    if (Cell* target = cell(row, column)) *target = {std::string(character.bytes), style};
    if (Cell* half = cells == 2 ? cell(row, column + 1) : nullptr) *half = {"", style};
    column += cells;
  }
  return column;
}

void Screen::put_right(int row, int end_column, std::string_view text, Style style) {
  put(row, end_column - width_of(text), text, style);
}

void Screen::fill(int row, Style style) {
  for (int column = 0; column < size_.columns; ++column) {
    if (Cell* target = cell(row, column)) *target = {" ", style};
  }
}

std::string Screen::text() const {
  std::string all;
  for (std::size_t first = 0; first < cells_.size(); first += static_cast<std::size_t>(size_.columns)) {
    for (int column = 0; column < size_.columns; ++column) all += cells_[first + static_cast<std::size_t>(column)].text;
    all.erase(all.find_last_not_of(' ') + 1);
    all += '\n';
  }
  all.erase(all.find_last_not_of('\n') + 1);
  return all + "\n";
}

const char* Screen::sequence(Style style) const {
  constexpr const char* kColours[] = {"\x1b[0m",  "\x1b[0;1;37;44m", "\x1b[0;1;36m", "\x1b[0;90m",
                                      "\x1b[0;32m", "\x1b[0;33m",    "\x1b[0;1;31m", "\x1b[0;1m"};
  constexpr const char* kNone[] = {"\x1b[0m", "\x1b[0;7m", "\x1b[0;1m", "\x1b[0m",
                                   "\x1b[0m", "\x1b[0m",   "\x1b[0;1m", "\x1b[0;1m"};
  return (abilities_.colour ? kColours : kNone)[static_cast<std::size_t>(style)];
}

// A terminal that knows synchronized output (mode 2026) shows nothing of it before all is there; others ignore that.
std::string Screen::frame() const {
  std::string out = "\x1b[?2026h\x1b[H";
  Style style = Style::kPlain;
  out += sequence(style);
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    if (i > 0 && i % static_cast<std::size_t>(size_.columns) == 0) out += "\r\n";
    const Cell& cell = cells_[i];
    if (cell.style != style) out += sequence(cell.style);
    style = cell.style;
    out += cell.text;
  }
  return out + sequence(Style::kPlain) + "\x1b[?2026l";
}

int width_of(std::string_view text) {
  int width = 0;
  while (!text.empty()) width += std::max(1, cells_of(take_character(text).code));
  return width;
}

}  // namespace top
