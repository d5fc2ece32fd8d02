// The word that somebody who mistyped probably meant. Pure.

#pragma once

#include <span>
#include <string_view>

namespace streaming {

// The candidate with the least edits from `word`; the first of several; empty when there are none.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace streaming
