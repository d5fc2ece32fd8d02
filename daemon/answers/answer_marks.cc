// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_marks.h"

#include <algorithm>
#include <charconv>

namespace streaming {
namespace {

constexpr std::string_view kPrefix = ": end ";

// Takes the word before the next space or line break off the text.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

int take_number(std::string_view& text) {
  const std::string_view word = take_word(text);
  int number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

}  // namespace

std::string end_mark(CloseCause cause, int status, int retry_after_seconds) {
  return std::string(kPrefix) + std::string(info(cause).word) + " " + std::to_string(status) + " " +
         std::to_string(retry_after_seconds) + "\n\n";
}

std::optional<EndMark> read_end_mark(std::string_view frame) {
  if (!frame.starts_with(kPrefix)) return std::nullopt;
  frame.remove_prefix(kPrefix.size());
  const std::string_view word = take_word(frame);
  const auto known = std::find_if(kCloseCauseTable.begin(), kCloseCauseTable.end(),
                                  [word](const CloseCauseInfo& cause) { return cause.word == word; });
  if (known == kCloseCauseTable.end()) return std::nullopt;
  const int status = take_number(frame);
  return EndMark{known->cause, status, take_number(frame)};
}

}  // namespace streaming
