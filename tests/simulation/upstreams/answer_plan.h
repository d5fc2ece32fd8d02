// SPDX-License-Identifier: Apache-2.0
// AnswerPlan: what a model says, before it is an API's bytes: texts, reasoning and calls of tools, each in pieces that may
// cut anything but a unit of UTF-16 in two.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/random.h"
#include "sse/answer_event.h"

namespace streaming::simulation {

// UTF-16, in which a half of a pair may stand alone.
using Units = std::u16string;
using UnitsView = std::u16string_view;

// In Units: a byte that is not UTF-8. On the wire it is raw.
inline constexpr char16_t kInvalidByte = 0xFFFF;

// What clients get of it: UTF-8, in which U+FFFD stands for what is not Unicode.
std::string as_utf8(UnitsView units);
// Without the first half of a pair that it may end with.
UnitsView without_last_half(UnitsView units);
// A JSON string, in quotation marks: characters raw or escaped, as the seed decides; halves always escaped.
std::string json_string(UnitsView units, Random& random);
// ASCII only.
Units units_of(std::string_view ascii);

struct PlannedBlock {
  enum class Kind : std::uint8_t { kText, kReasoning, kCall };

  Kind kind;
  std::vector<Units> pieces;  // of a call: its input, which is JSON
  std::string id = {};        // of a call
  std::string name = {};

  Units whole() const;
};

struct AnswerPlan {
  std::vector<PlannedBlock> blocks;  // reasoning, text, calls: in this order
  FinishReason reason = FinishReason::kStop;
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
};

// `mark`: the text's first piece, by which an answer is known; ASCII. A piece is at most `most_bytes` long as JSON.
AnswerPlan plan_answer(std::string_view mark, std::size_t most_bytes, Random& random);

}  // namespace streaming::simulation
