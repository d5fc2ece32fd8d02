// SPDX-License-Identifier: Apache-2.0
// Finds the word that a user who mistyped probably meant. Pure.

#pragma once

#include <span>
#include <string>
#include <string_view>

namespace streaming {

// The candidate with the fewest edits from `word`; the first of several. The part after a candidate's last dot may
// match instead. Empty if none is near: at most a third of the letters, rounded up, may differ.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean WORD?", or nothing if `word` is empty.
std::string did_you_mean(std::string_view word);

}  // namespace streaming
