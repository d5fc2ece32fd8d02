// SPDX-License-Identifier: Apache-2.0
// Reads a directive's value as it is written in a document, as the directive itself would.

#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>

namespace socket_handoff {

// A list is written with blanks in between; `text` is taken apart.
template <class Type>
std::optional<typename Type::Value> parse_written(std::string& text) {
  if constexpr (requires { &Type::append; }) {
    std::optional<typename Type::Value> list;
    for (char* word = std::strtok(text.data(), " "); word; word = std::strtok(nullptr, " ")) {
      if (list) {
        EXPECT_STREQ(Type::append(*list, word), nullptr);
      } else {
        list = Type::parse(word);
      }
    }
    return list;
  } else {
    return Type::parse(text.c_str());
  }
}

}  // namespace socket_handoff
