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

std::optional<std::uint32_t> count_frames(std::string_view frames) {
  std::uint32_t count = 0;
  for (; !frames.empty(); ++count) {
    const std::size_t end = frames.find(kFrameEnd);
    if (end == std::string_view::npos) return std::nullopt;
    frames.remove_prefix(end + kFrameEnd.size());
  }
  return count;
}

// --- Memory ---------------------------------------------------------------------------------------------------------

void KeptFrames::append(std::string_view frames, std::uint32_t events) {
  make_room(frames.size());
  std::memcpy(back_->first + back_->size, frames.data(), frames.size());
  back_->size += static_cast<std::uint32_t>(frames.size());
  back_->events += events;
  room_ -= static_cast<std::uint32_t>(frames.size());
}

void KeptFrames::make_room(std::size_t frame_bytes) {
  if (back_ != nullptr && room_ >= frame_bytes) return;
  if (const std::size_t grown = grown_back_bytes(frame_bytes); grown > 0) return resize_back(grown);
  const std::size_t bytes = new_chunk_bytes(frame_bytes);
  trim();
  add_chunk(bytes);
}

std::size_t KeptFrames::growth_by(std::size_t frame_bytes) const {
  if (back_ == nullptr) return new_chunk_bytes(frame_bytes) - memory_for(0);
  if (room_ >= frame_bytes) return 0;
  if (const std::size_t grown = grown_back_bytes(frame_bytes); grown > 0) return grown - back_bytes();
  return new_chunk_bytes(frame_bytes) + memory_for(back_->size) - back_bytes();
}

// A small chunk grows in its place, because a new one would have to be small too.
std::size_t KeptFrames::grown_back_bytes(std::size_t frame_bytes) const {
  if (back_ == nullptr) return 0;
  const std::size_t own_part = back_->size / kGrownFrameChunkPart;
  const std::size_t bytes = memory_for(back_->size + std::max({frame_bytes, own_part, growth()}));
  return bytes <= kLargestGrownFrameChunk ? bytes : 0;
}

std::size_t KeptFrames::new_chunk_bytes(std::size_t frame_bytes) const {
  return memory_for(back_ == nullptr ? frame_bytes : std::max(frame_bytes, growth()));
}

std::size_t KeptFrames::growth() const {
  return std::clamp(bytes_ / kFrameGrowthPart, kSmallestFrameGrowth, kLargestFrameGrowth);
}

void KeptFrames::add_chunk(std::size_t bytes) {
  auto* chunk = static_cast<Chunk*>(std::malloc(bytes - kMallocBytes));
  CHECK(chunk != nullptr);
  const Place begin = end();
  *chunk = Chunk{.link = back_, .begin_byte = begin.byte, .begin_event = begin.event, .events = 0, .size = 0, .first = {}};
  (back_ == nullptr ? front_ : back_->link) = chunk;
  back_ = chunk;
  bytes_ += static_cast<std::uint32_t>(bytes);
  room_ = static_cast<std::uint32_t>(bytes - kChunkBytes);
}

void KeptFrames::resize_back(std::size_t bytes) {
  bytes_ -= static_cast<std::uint32_t>(back_bytes());
  back_ = static_cast<Chunk*>(std::realloc(back_, bytes - kMallocBytes));
  CHECK(back_ != nullptr);
  (back_->link == nullptr ? front_ : back_->link->link) = back_;
  bytes_ += static_cast<std::uint32_t>(bytes);
  room_ = static_cast<std::uint32_t>(bytes - kChunkBytes) - back_->size;
}

void KeptFrames::trim() {
  if (back_ == nullptr) return;
  const std::size_t bytes = memory_for(back_->size);
  if (bytes != back_bytes()) resize_back(bytes);
}

bool KeptFrames::drop_oldest() {
  if (begin() == end()) return false;
  if (front_ == back_) {
    drop_latest();
  } else {
    free_front();
  }
  return true;
}

// The chunk stays, because it knows the place.
void KeptFrames::drop_latest() {
  back_->begin_byte += back_->size;
  back_->begin_event += back_->events;
  room_ += back_->size;
  back_->events = back_->size = 0;
  trim();
}

void KeptFrames::pass_over(std::string_view frames, std::uint32_t events) {
  while (drop_oldest()) {
  }
  if (back_ == nullptr) add_chunk(memory_for(0));
  back_->begin_byte += frames.size();
  back_->begin_event += events;
}

void KeptFrames::free_front() {
  Chunk* const chunk = front_;
  bytes_ -= static_cast<std::uint32_t>(chunk == back_ ? back_bytes() : memory_for(chunk->size));
  if (chunk == back_) {
    front_ = back_ = nullptr;
    room_ = 0;
  } else {
    front_ = chunk->link;
    if (front_ == back_) back_->link = nullptr;
  }
  std::free(chunk);
}

void KeptFrames::clear() {
  while (front_ != nullptr) free_front();
}

// --- Reading --------------------------------------------------------------------------------------------------------

KeptFrames::Span KeptFrames::from(const Place& place) const {
  CHECK(place.byte >= begin().byte && place.byte < end().byte);
  const Chunk* chunk = front_;
  while (chunk->end().byte <= place.byte) chunk = chunk->link;
  return {chunk->view().substr(place.byte - chunk->begin_byte), chunk->end()};
}

std::optional<KeptFrames::Place> KeptFrames::behind(std::uint32_t event) const {
  if (event < begin().event || event > end().event) return std::nullopt;
  if (event == begin().event) return begin();
  const Chunk* chunk = front_;
  while (chunk->end().event < event) chunk = chunk->link;
  std::size_t offset = 0;
  for (std::uint32_t left = event - chunk->begin_event; left > 0; --left) offset = frame_end(chunk->view(), offset);
  return Place{chunk->begin_byte + offset, event};
}

std::optional<KeptFrames::Place> KeptFrames::behind_id(std::string_view id) const {
  const std::string line = "id: " + std::string(id) + "\n";
  std::optional<Place> found;
  for (const Chunk* chunk = front_; chunk != nullptr; chunk = chunk == back_ ? nullptr : chunk->link) {
    const std::size_t offset = behind_line(chunk->view(), line);
    if (offset != std::string_view::npos) found = place_in(*chunk, offset);
  }
  return found;
}

KeptFrames::Place KeptFrames::place_in(const Chunk& chunk, std::size_t offset) {
  Place place = chunk.begin();
  const std::string_view before = chunk.view().substr(0, offset);
  for (std::size_t end = 0; end < before.size(); ++place.event) end = frame_end(before, end);
  place.byte += offset;
  place.event = std::min(place.event, chunk.end().event);
  return place;
}

}  // namespace streaming
