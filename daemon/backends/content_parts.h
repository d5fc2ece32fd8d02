// SPDX-License-Identifier: Apache-2.0
// The content of a message as vendors write it: a text, or a list of parts, among them what the model thinks. Pure.

#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <string_view>

#include "backends/json_fields.h"
#include "sse/answer_event.h"

namespace streaming {

// Calls on_piece(Kind, text, number) for each member "text" of a list; the number is its place there.
template <typename OnPiece>
void for_each_text(const rapidjson::Value* list, AnswerEvent::Kind kind, OnPiece&& on_piece) {
  if (list == nullptr || !list->IsArray()) return;
  std::uint32_t number = 0;
  for (const rapidjson::Value& element : list->GetArray()) on_piece(kind, find_text(&element, "text"), number++);
}

// Likewise for the texts of a part. Parts of other types (references, images, calls of tools) have none.
template <typename OnPiece>
void for_each_text_of_part(const rapidjson::Value& part, OnPiece&& on_piece) {
  using Kind = AnswerEvent::Kind;
  if (part.IsString()) return on_piece(Kind::kText, std::string_view(part.GetString(), part.GetStringLength()), 0u);
  const std::string_view type = find_text(&part, "type");
  if (type == "text" || type.empty()) {
    on_piece(Kind::kText, find_text(&part, "text"), 0u);
  } else if (type == "thinking") {  // Mistral: a list of texts
    on_piece(Kind::kReasoning, find_text(&part, "thinking"), 0u);
    for_each_text(find_member(&part, "thinking"), Kind::kReasoning,
                  [&](Kind kind, std::string_view text, std::uint32_t) { on_piece(kind, text, 0u); });
  } else if (type == "reasoning") {
    on_piece(Kind::kReasoning, find_text(&part, "reasoning"), 0u);
    for_each_text(find_member(&part, "summary"), Kind::kReasoning, on_piece);
  }
}

// Calls on_piece(Kind, text, part, number) for each text of a message's content. A part's number is its `index`, where
// it has one: a piece of a list comes alone.
template <typename OnPiece>
void for_each_text_of_content(const rapidjson::Value* content, OnPiece&& on_piece) {
  using Kind = AnswerEvent::Kind;
  if (content == nullptr) return;
  const auto read_part = [&](const rapidjson::Value& part, std::uint64_t place) {
    for_each_text_of_part(part, [&](Kind kind, std::string_view text, std::uint32_t number) {
      if (!text.empty()) on_piece(kind, text, static_cast<std::uint32_t>(place), number);
    });
  };
  if (!content->IsArray()) return read_part(*content, 0);
  std::uint64_t place = 0;
  for (const rapidjson::Value& part : content->GetArray()) {
    read_part(part, find_number(&part, "index").value_or(place));
    ++place;
  }
}

}  // namespace streaming
