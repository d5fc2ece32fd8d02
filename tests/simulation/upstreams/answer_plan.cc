// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/answer_plan.h"

#include <algorithm>
#include <cstdio>

namespace streaming::simulation {
namespace {

constexpr std::size_t kBytesPerEscape = 6;

// Of a long text: so many that a kept answer has them in several chunks.
constexpr std::size_t kMostPieces = 16;

bool is_first_half(char16_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}

bool is_second_half(char16_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

// The pair that begins at `at`; 0 if none does.
std::uint32_t pair_at(UnitsView units, std::size_t at) {
  if (at + 1 >= units.size() || !is_first_half(units[at]) || !is_second_half(units[at + 1])) return 0;
  return 0x10000u + ((units[at] - 0xD800u) << 10 | (units[at + 1] - 0xDC00u));
}

void append_escape(std::string& out, char16_t unit, Random& random) {
  char text[8];
  std::snprintf(text, sizeof text, random.one_in(4) ? "\\u%04X" : "\\u%04x", static_cast<unsigned>(unit));
  out += text;
}

// Words, and what has broken readers of JSON, UTF-8 and event streams before.
Units some_words(Random& random) {
  static const std::vector<Units> kWords{
      u"the ",   u"answer ", u"a",      u"",         u" ",          u"\n",     u"\n\ndata: [DONE]\n\n", u"é",
      u"漢字",   u"😀",      u"👩‍👩‍👧 ", u"𝄞",        u"\"content\":\"", u"\\",     u"\\ud83d",             u"\r\n",
      u"\u2028", u"\x01",    u"\x7F",   u"[DONE]",   u"event: error\n",  u"{\"", u"}",                   u"\u00AD",
  };
  return random.pick(kWords);
}

Units some_text(Random& random, bool only_unicode) {
  Units text;
  for (std::uint64_t left = random.between(1, 6); left > 0; --left) {
    text += some_words(random);
    if (only_unicode || !random.one_in(40)) continue;
    text += random.pick({kInvalidByte, char16_t{0xD83D}, char16_t{0xDE00}, char16_t{0}});
    text += u".";  // a half never waits for another block's text
  }
  return text;
}

// An object of JSON, as text.
Units some_input(Random& random) {
  const std::string whole = "{\"content\":" + json_string(some_text(random, true), random) + ",\"n\":[1,{\"x\":null}]}";
  Units units;
  // What is escaped within is ASCII; the rest are characters, which are decoded again.
  for (std::size_t at = 0; at < whole.size();) {
    const auto first = static_cast<unsigned char>(whole[at]);
    const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = bytes == 1 ? first : first & (0xFFu >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) code = code << 6 | (static_cast<unsigned char>(whole[at + i]) & 0x3Fu);
    if (code >= 0x10000) {
      units += static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10));
      units += static_cast<char16_t>(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      units += static_cast<char16_t>(code);
    }
    at += bytes;
  }
  return units;
}

std::vector<Units> in_pieces(UnitsView text, std::size_t most_units, Random& random) {
  std::vector<Units> pieces;
  const std::size_t usual = random.pick({1u, 3u, 8u, 40u});
  while (!text.empty()) {
    const std::size_t length = std::min<std::size_t>({text.size(), most_units, random.between(1, usual)});
    pieces.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return pieces;
}

}  // namespace

std::string as_utf8(UnitsView units) {
  std::string text;
  for (std::size_t at = 0; at < units.size(); ++at) {
    if (const std::uint32_t code = pair_at(units, at); code != 0) {
      append_utf8(text, code);
      ++at;
    } else if (units[at] == kInvalidByte || is_first_half(units[at]) || is_second_half(units[at])) {
      text += "\xEF\xBF\xBD";
    } else {
      append_utf8(text, units[at]);
    }
  }
  return text;
}

UnitsView without_last_half(UnitsView units) {
  return !units.empty() && is_first_half(units.back()) ? units.substr(0, units.size() - 1) : units;
}

std::string json_string(UnitsView units, Random& random) {
  const bool escapes_all = random.one_in(4);
  std::string text = "\"";
  for (std::size_t at = 0; at < units.size(); ++at) {
    const char16_t unit = units[at];
    const std::uint32_t pair = pair_at(units, at);
    if (unit == kInvalidByte) {
      text += '\xFF';
    } else if (pair != 0 && !escapes_all) {
      append_utf8(text, pair);
      ++at;
    } else if (unit == u'"' || unit == u'\\') {
      text += {'\\', static_cast<char>(unit)};
    } else if (unit < 0x20 || is_first_half(unit) || is_second_half(unit) || (unit > 0x7E && escapes_all)) {
      append_escape(text, unit, random);
    } else {
      append_utf8(text, unit);
    }
  }
  return text + '"';
}

Units units_of(std::string_view ascii) {
  return {ascii.begin(), ascii.end()};
}

Units PlannedBlock::whole() const {
  Units all;
  for (const Units& piece : pieces) all += piece;
  return all;
}

AnswerPlan plan_answer(std::string_view mark, std::size_t most_bytes, Random& random) {
  using Kind = PlannedBlock::Kind;
  const std::size_t most_units = most_bytes / kBytesPerEscape;
  AnswerPlan plan;
  const auto add = [&](Kind kind, UnitsView text) -> PlannedBlock& {
    return plan.blocks.emplace_back(PlannedBlock{kind, in_pieces(text, most_units, random)});
  };
  if (random.one_in(4)) add(Kind::kReasoning, some_text(random, false));
  Units text = units_of(mark) + some_text(random, false);
  if (random.one_in(12)) {
    text.append(random.between(1, kMostPieces * most_units), u'x');
    plan.blocks.push_back({Kind::kText, {}});
    const std::size_t piece = random.one_in(2) ? most_units : most_units / 4;
    for (UnitsView rest = text; !rest.empty(); rest.remove_prefix(std::min(rest.size(), piece))) {
      plan.blocks.back().pieces.emplace_back(rest.substr(0, piece));
    }
  } else {
    add(Kind::kText, text);
  }
  const std::uint64_t calls = random.one_in(4) ? random.between(1, 3) : 0;
  for (std::uint64_t i = 0; i < calls; ++i) {
    PlannedBlock& call = add(Kind::kCall, some_input(random));
    call.id = "call_" + std::to_string(i) + "_" + std::to_string(random.below(1000));
    call.name = random.pick({"look_up", "f", "send-mail"});
  }
  plan.reason = calls > 0 ? FinishReason::kToolCalls
                          : random.pick({FinishReason::kStop, FinishReason::kStop, FinishReason::kLength,
                                         FinishReason::kContentFilter});
  plan.input_tokens = static_cast<std::uint32_t>(random.below(5000));
  plan.output_tokens = static_cast<std::uint32_t>(random.below(5000));
  return plan;
}

}  // namespace streaming::simulation
