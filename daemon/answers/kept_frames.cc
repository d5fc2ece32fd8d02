// SPDX-License-Identifier: Apache-2.0
#include "answers/kept_frames.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "answers/limits.h"
#include "base/check.h"

namespace streaming {
namespace {

constexpr std::string_view kFrameEnd = "\n\n";

// The offset behind the frame that contains the byte at `offset`.
std::size_t frame_end(std::string_view frames, std::size_t offset) {
  const std::size_t end = frames.find(kFrameEnd, offset);
  CHECK(end != std::string_view::npos);
  return end + kFrameEnd.size();
}

// Behind the last frame of `frames` that has the line.
std::size_t behind_line(std::string_view frames, std::string_view line) {
  for (std::size_t end = frames.size();;) {
    const std::size_t found = frames.substr(0, end).rfind(line);
    if (found == std::string_view::npos) return found;
    if (found == 0 || frames[found - 1] == '\n') return frame_end(frames, found);
    end = found + line.size() - 1;
  }
}

}  // namespace

void KeptFrames::append(std::string_view frames, std::uint32_t events) {
  Chunk& chunk = chunk_with_room(frames.size());
  std::memcpy(chunk.frames() + chunk.size, frames.data(), frames.size());
  chunk.size += static_cast<std::uint32_t>(frames.size());
  chunk.events += events;
  end_ = chunk.end();
}

KeptFrames::Chunk& KeptFrames::chunk_with_room(std::size_t bytes) {
  if (back_ != nullptr && back_->capacity - back_->size >= bytes) return *back_;
  trim();
  const std::size_t grown = std::clamp(bytes_ / kFrameGrowthPart, kSmallestFrameChunk, kLargestFrameChunk);
  const std::size_t size = std::max(grown, sizeof(Chunk) + bytes);
  auto* chunk = static_cast<Chunk*>(std::malloc(size));
  CHECK(chunk != nullptr);
  *chunk = Chunk{nullptr, end_, 0, 0, static_cast<std::uint32_t>(size - sizeof(Chunk))};
  (back_ == nullptr ? front_ : back_->next) = chunk;
  before_back_ = std::exchange(back_, chunk);
  bytes_ += size;
  return *chunk;
}

KeptFrames::Span KeptFrames::from(const Place& place) const {
  CHECK(place.byte >= begin_.byte && place.byte < end_.byte);
  const Chunk* chunk = front_;
  while (chunk->end().byte <= place.byte) chunk = chunk->next;
  return {chunk->view().substr(place.byte - chunk->begin.byte), chunk->end()};
}

std::optional<KeptFrames::Place> KeptFrames::behind(std::uint32_t event) const {
  if (event < begin_.event || event > end_.event) return std::nullopt;
  if (event == begin_.event) return begin_;
  const Chunk* chunk = front_;
  while (chunk->end().event < event) chunk = chunk->next;
  std::size_t offset = 0;
  for (std::uint32_t left = event - chunk->begin.event; left > 0; --left) offset = frame_end(chunk->view(), offset);
  return Place{chunk->begin.byte + offset, event};
}

std::optional<KeptFrames::Place> KeptFrames::behind_id(std::string_view id) const {
  const std::string line = "id: " + std::string(id) + "\n";
  std::optional<Place> found;
  for (const Chunk* chunk = front_; chunk != nullptr; chunk = chunk->next) {
    const std::size_t offset = behind_line(chunk->view(), line);
    if (offset != std::string_view::npos) found = place_in(*chunk, offset);
  }
  return found;
}

KeptFrames::Place KeptFrames::place_in(const Chunk& chunk, std::size_t offset) {
  Place place = chunk.begin;
  const std::string_view before = chunk.view().substr(0, offset);
  for (std::size_t end = 0; end < before.size(); ++place.event) end = frame_end(before, end);
  place.byte += offset;
  place.event = std::min(place.event, chunk.end().event);
  return place;
}

bool KeptFrames::drop_oldest() {
  if (front_ == back_) return false;
  free_front();
  return true;
}

void KeptFrames::free_front() {
  Chunk* const chunk = front_;
  begin_ = chunk->end();
  bytes_ -= sizeof(Chunk) + chunk->capacity;
  front_ = chunk->next;
  if (front_ == nullptr) back_ = nullptr;
  if (chunk == before_back_) before_back_ = nullptr;
  std::free(chunk);
}

void KeptFrames::trim() {
  if (back_ == nullptr || back_->capacity - back_->size < kUntrimmedBytes) return;
  auto* trimmed = static_cast<Chunk*>(std::realloc(back_, sizeof(Chunk) + back_->size));
  CHECK(trimmed != nullptr);
  bytes_ -= trimmed->capacity - trimmed->size;
  trimmed->capacity = trimmed->size;
  back_ = trimmed;
  (before_back_ == nullptr ? front_ : before_back_->next) = trimmed;
}

void KeptFrames::clear() {
  while (front_ != nullptr) free_front();
}

}  // namespace streaming
