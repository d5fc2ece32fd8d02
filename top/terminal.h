// SPDX-License-Identifier: Apache-2.0
// Terminal: the alternate screen and single keys, from its making to its end, however the program is asked to end.
//
// Owned by main(), one at a time, one thread.

#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

#include "top/screen.h"

namespace top {

// Of the standard output, whatever it is.
bool is_terminal();
Size terminal_size();
Abilities terminal_abilities();

class Terminal {
 public:
  Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  // Readable when keys are there, and when a signal is: the window's size has changed, or the program is to end.
  int keys() const;
  int signals() const { return signals_; }

  // What was typed; empty when nothing was.
  std::string read_keys() const;
  // Whether a signal that came wants the program to end.
  bool read_signals() const;

  static void write(std::string_view bytes);

 private:
  std::optional<termios> before_;
  int signals_ = -1;
};

}  // namespace top
