// SPDX-License-Identifier: Apache-2.0
#include "backends/text_mender.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/utf8.h"

namespace streaming {
namespace {

constexpr std::uint32_t kFirstHalves = 0xD800;
constexpr std::uint32_t kSecondHalves = 0xDC00;
constexpr std::uint32_t kBeyondHalves = 0xE000;
constexpr std::size_t kEscapeBytes = 6;
constexpr std::size_t kHalfBytes = 3;

bool is_first_half(std::uint32_t code) {
  return code >= kFirstHalves && code < kSecondHalves;
}

bool is_second_half(std::uint32_t code) {
  return code >= kSecondHalves && code < kBeyondHalves;
}

// Of the escape that begins at `at`; 0 when there is none.
std::uint32_t half_escaped_at(std::string_view json, std::size_t at) {
  if (json.size() - at < kEscapeBytes || json[at] != '\\' || json[at + 1] != 'u') return 0;
  std::uint32_t code = 0;
  const char* const end = json.data() + at + kEscapeBytes;
  const auto [stop, error] = std::from_chars(json.data() + at + 2, end, code, 16);
  const bool is_half = is_first_half(code) || is_second_half(code);
  return error == std::errc{} && stop == end && is_half ? code : 0;
}

void write_half(char* at, std::uint32_t half) {
  at[0] = static_cast<char>(0xE0 | half >> 12);
  at[1] = static_cast<char>(0x80 | (half >> 6 & 0x3F));
  at[2] = static_cast<char>(0x80 | (half & 0x3F));
}

// Of the three bytes that begin at `at`; 0 when they are no half.
std::uint32_t half_at(std::string_view text, std::size_t at) {
  if (text.size() - at < kHalfBytes || text[at] != '\xED') return 0;
  const auto second = static_cast<unsigned char>(text[at + 1]);
  const auto third = static_cast<unsigned char>(text[at + 2]);
  if (second < 0xA0 || second > 0xBF || third < 0x80 || third > 0xBF) return 0;
  return 0xD000u | (second & 0x3Fu) << 6 | (third & 0x3Fu);
}

void append_pair(std::string& out, std::uint32_t first, std::uint32_t second) {
  const std::uint32_t code = 0x10000 + ((first - kFirstHalves) << 10 | (second - kSecondHalves));
  out += static_cast<char>(0xF0 | code >> 18);
  out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
  out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  out += static_cast<char>(0x80 | (code & 0x3F));
}

}  // namespace

void unescape_surrogate_halves(std::string& json) {
  std::size_t moved = 0;    // bytes that are at their final place
  std::size_t unmoved = 0;  // the bytes that follow them still begin here
  const auto move_up_to = [&](std::size_t end) {
    if (moved != unmoved) std::copy(json.begin() + unmoved, json.begin() + end, json.begin() + moved);
    moved += end - unmoved;
    unmoved = end;
  };
  for (std::size_t at = json.find('\\'); at != std::string::npos && at + 1 < json.size(); at = json.find('\\', at)) {
    const std::uint32_t half = half_escaped_at(json, at);
    if (half == 0) {
      at += 2;  // also past an escaped backslash
    } else if (is_first_half(half) && is_second_half(half_escaped_at(json, at + kEscapeBytes))) {
      at += 2 * kEscapeBytes;
    } else {
      move_up_to(at);
      write_half(json.data() + moved, half);
      moved += kHalfBytes;
      unmoved = at += kEscapeBytes;
    }
  }
  if (unmoved == 0) return;
  CHECK(moved < unmoved && unmoved <= json.size());
  move_up_to(json.size());
  json.resize(moved);
}

std::string_view without_last_half(std::string_view text) {
  if (text.size() < kHalfBytes) return text;
  const std::size_t end = text.size() - kHalfBytes;
  return is_first_half(half_at(text, end)) ? text.substr(0, end) : text;
}

TextMender::State& TextMender::state() {
  if (state_ == nullptr) state_ = std::make_unique<State>();
  return *state_;
}

std::string_view TextMender::next_piece(std::uint64_t source, std::string_view piece) {
  const bool none_waits = state_ == nullptr || state_->first_halves.empty();
  if (piece.empty() || (none_waits && is_utf8(piece))) return piece;
  const std::uint32_t last = mend(take_first_half(source), piece);
  if (last == 0) return state().mended;
  if (state().first_halves.size() < kMostWaiting) {
    state().first_halves.push_back({source, last});
  } else {
    append_replacement();
  }
  return state().mended;
}

std::string_view TextMender::whole(std::string_view text) {
  if (is_utf8(text)) return text;
  if (mend(0, text) != 0) append_replacement();
  return state().mended;
}

bool TextMender::take_waiting(std::uint64_t& source) {
  if (state_ == nullptr || state_->first_halves.empty()) return false;
  source = state_->first_halves.back().source;
  state_->first_halves.pop_back();
  state_->has_replaced = true;
  return true;
}

std::uint32_t TextMender::take_first_half(std::uint64_t source) {
  for (FirstHalf& candidate : state().first_halves) {
    if (candidate.source != source) continue;
    const std::uint32_t half = candidate.half;
    candidate = state().first_halves.back();
    state().first_halves.pop_back();
    return half;
  }
  return 0;
}

std::uint32_t TextMender::mend(std::uint32_t first, std::string_view text) {
  CHECK(first == 0 || is_first_half(first));
  std::string& mended = state().mended;
  mended.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t half = half_at(text, at);
    if (first != 0 && is_second_half(half)) {
      append_pair(mended, first, half);
    } else if (first != 0 || is_second_half(half)) {
      append_replacement();
    }
    first = is_first_half(half) ? half : 0;
    if (half != 0) {
      at += kHalfBytes;
      continue;
    }
    const Utf8Unit unit = utf8_unit_at(text, at);
    if (unit.valid) {
      mended += text.substr(at, unit.bytes);
    } else {
      append_replacement();
    }
    at += unit.bytes;
  }
  return first;
}

void TextMender::append_replacement() {
  state().mended += kReplacement;
  state().has_replaced = true;
}

}  // namespace streaming
