// SPDX-License-Identifier: Apache-2.0
// Finds the places in a text that ask for an attachment: its name in braces, "{a.txt}". Pure.
//
// The work is linear in the text, whatever its contents, times the logarithm of the number of names.

#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace streaming {

// The names that a placeholder can have, each with an index. Sorted and not hashed: no choice of names makes it slow.
class PlaceholderNames {
 public:
  // Borrows `name`. Returns the index that the name has, the new one or an older one, and whether it is new.
  std::pair<std::size_t, bool> add(std::string_view name) {
    const auto [entry, is_new] = indices_.emplace(name, indices_.size());
    return {entry->second, is_new};
  }
  std::optional<std::size_t> find(std::string_view name) const {
    const auto found = indices_.find(name);
    return found == indices_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string_view, std::size_t> indices_;
};

// Calls on_text(std::string_view) with what stays as it is, and on_placeholder(index) where a name stands in braces, in
// the text's order. A name that has a brace itself is never found: a placeholder begins at the last brace before its
// end, so that each byte is looked at a fixed number of times.
template <typename OnText, typename OnPlaceholder>
void split_at_placeholders(std::string_view text, const PlaceholderNames& names, OnText&& on_text,
                           OnPlaceholder&& on_placeholder) {
  for (;;) {
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return on_text(text);
    const std::size_t open = text.substr(0, close).rfind('{');
    const std::optional<std::size_t> index =
        open == std::string_view::npos ? std::nullopt : names.find(text.substr(open + 1, close - open - 1));
    on_text(text.substr(0, index ? open : close + 1));
    if (index) on_placeholder(*index);
    text.remove_prefix(close + 1);
  }
}

}  // namespace streaming
