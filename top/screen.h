// SPDX-License-Identifier: Apache-2.0
// Screen: what stands in each cell of a terminal, drawn first and then written at once. Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace top {

enum class Style : unsigned char { kPlain, kTitle, kHeading, kFaint, kGood, kBusy, kBad, kKey };

struct Size {
  int columns = 80;
  int rows = 24;
};

// What the terminal can show.
struct Abilities {
  bool utf8 = true;  // else the letters of ASCII alone
  bool colour = true;
};

class Screen {
 public:
  Screen(Size size, Abilities abilities);

  Size size() const { return size_; }
  bool utf8() const { return abilities_.utf8; }

  // Writes from that cell on, and returns the column behind it. What does not fit into the line is left out; what is no
  // printable character, or in ASCII alone no letter of that, becomes '?'.
  int put(int row, int column, std::string_view text, Style style = Style::kPlain);
  // So that it ends before that column.
  void put_right(int row, int end_column, std::string_view text, Style style = Style::kPlain);
  // The whole line.
  void fill(int row, Style style);

  // The lines as they are, without what is blank at their ends; and without the blank lines at the end.
  std::string text() const;
  // What makes a terminal show it, over what it shows, in one piece.
  std::string frame() const;

 private:
  struct Cell {
    std::string text = " ";  // empty: the second half of a wide character
    Style style = Style::kPlain;
  };

  Cell* cell(int row, int column);
  const char* sequence(Style style) const;

  const Size size_;
  const Abilities abilities_;
  std::vector<Cell> cells_;
};

// How many cells a text takes.
int width_of(std::string_view text);

}  // namespace top
