#include "backends/surrogate_halves.h"

#include <charconv>

namespace streaming {
namespace {

constexpr std::uint32_t kFirstHalves = 0xD800;
constexpr std::uint32_t kSecondHalves = 0xDC00;
constexpr std::uint32_t kBeyondHalves = 0xE000;
constexpr std::size_t kMarkBytes = 6;                       // as many as an escape has
constexpr std::string_view kNoncharacter = "\xEF\xB7\x90";  // U+FDD0; U+E000 to U+E7FF for the half follows

bool is_first_half(std::uint32_t code) {
  return code >= kFirstHalves && code < kSecondHalves;
}

bool is_half(std::uint32_t code) {
  return code >= kFirstHalves && code < kBeyondHalves;
}

// Of the escape that begins at `at`; 0 when there is none.
std::uint32_t half_escaped_at(std::string_view json, std::size_t at) {
  if (json.size() - at < kMarkBytes || json[at] != '\\' || json[at + 1] != 'u') return 0;
  std::uint32_t code = 0;
  const char* const end = json.data() + at + kMarkBytes;
  const auto [stop, error] = std::from_chars(json.data() + at + 2, end, code, 16);
  return error == std::errc{} && stop == end && is_half(code) ? code : 0;
}

void write_mark(char* at, std::uint32_t half) {
  const std::uint32_t number = half - kFirstHalves;
  kNoncharacter.copy(at, kNoncharacter.size());
  at[3] = '\xEE';
  at[4] = static_cast<char>(0x80 | number >> 6);
  at[5] = static_cast<char>(0x80 | (number & 0x3F));
}

// Of the mark that `text` begins with; 0 when it does not.
std::uint32_t half_marked_at(std::string_view text) {
  if (text.size() < kMarkBytes || !text.starts_with(kNoncharacter) || text[3] != '\xEE') return 0;
  const std::uint32_t high = static_cast<unsigned char>(text[4]) & 0x3Fu;
  const std::uint32_t low = static_cast<unsigned char>(text[5]) & 0x3Fu;
  return high < 0x20 ? kFirstHalves + (high << 6 | low) : 0;
}

void append_pair(std::string& out, std::uint32_t first, std::uint32_t second) {
  const std::uint32_t code = 0x10000 + ((first - kFirstHalves) << 10 | (second - kSecondHalves));
  out += static_cast<char>(0xF0 | code >> 18);
  out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
  out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  out += static_cast<char>(0x80 | (code & 0x3F));
}

}  // namespace

void mark_surrogate_halves(std::string& json) {
  for (std::size_t at = json.find('\\'); at != std::string::npos && at + 1 < json.size(); at = json.find('\\', at)) {
    const std::uint32_t half = half_escaped_at(json, at);
    if (half == 0) {
      at += 2;  // also past an escaped backslash
      continue;
    }
    const std::uint32_t next = is_first_half(half) ? half_escaped_at(json, at + kMarkBytes) : 0;
    if (next != 0 && !is_first_half(next)) {
      at += 2 * kMarkBytes;
      continue;
    }
    write_mark(json.data() + at, half);
    at += kMarkBytes;
  }
}

bool has_surrogate_mark(std::string_view text) {
  for (std::size_t at = text.find(kNoncharacter); at != std::string_view::npos; at = text.find(kNoncharacter, at + 1)) {
    if (half_marked_at(text.substr(at)) != 0) return true;
  }
  return false;
}

bool SurrogateJoiner::join(std::uint64_t source, std::string_view& piece) {
  if (piece.empty()) return true;
  const std::uint32_t first = take_first_half(source);
  if (first != 0) {
    const std::uint32_t second = half_marked_at(piece);
    if (second == 0 || is_first_half(second)) return false;
    joined_.clear();
    append_pair(joined_, first, second);
    joined_.append(piece.substr(kMarkBytes));
    piece = joined_;
  }
  if (piece.size() >= kMarkBytes) {
    const std::uint32_t last = half_marked_at(piece.substr(piece.size() - kMarkBytes));
    if (last != 0 && is_first_half(last)) {
      if (first_halves_.size() == kMostWaiting) return false;
      first_halves_.push_back({source, last});
      piece.remove_suffix(kMarkBytes);
    }
  }
  return !has_surrogate_mark(piece);
}

std::uint32_t SurrogateJoiner::take_first_half(std::uint64_t source) {
  for (FirstHalf& candidate : first_halves_) {
    if (candidate.source != source) continue;
    const std::uint32_t half = candidate.half;
    candidate = first_halves_.back();
    first_halves_.pop_back();
    return half;
  }
  return 0;
}

}  // namespace streaming
