// SPDX-License-Identifier: Apache-2.0
// KeptFrames: the encoded events of one answer, once, in their order, for any number of readers.
//
// Part of its KeptAnswer. Bytes are counted from the answer's first one, and a reader knows its place by that number,
// so that it holds no pointer into the memory. Events are numbered from 1. The oldest may be dropped.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

namespace streaming {

// How many frames the text consists of; nothing if it ends within one. KeptFrames rely on whole ones, and what another
// daemon or the store sends may be anything.
std::optional<std::uint32_t> count_frames(std::string_view frames);

class KeptFrames {
 public:
  // A place between two events.
  struct Place {
    std::uint64_t byte = 0;
    std::uint32_t event = 0;  // the number of the last event before it

    bool operator==(const Place&) const = default;
  };

  KeptFrames() = default;
  KeptFrames(const KeptFrames&) = delete;
  KeptFrames& operator=(const KeptFrames&) = delete;
  ~KeptFrames() { clear(); }

  // Whole frames, of that many events. They stay together.
  void append(std::string_view frames, std::uint32_t events);
  // By how much append() of frames of that size adds to bytes().
  std::size_t growth_by(std::size_t frame_bytes) const;
  // As if they had been appended, and all had been dropped.
  void pass_over(std::string_view frames, std::uint32_t events);

  Place begin() const { return front_ == nullptr ? Place{} : front_->begin(); }  // of what is kept
  Place end() const { return back_ == nullptr ? Place{} : back_->end(); }

  // What is kept together behind a place that is neither before begin() nor the end.
  struct Span {
    std::string_view frames;
    Place end;
  };
  Span from(const Place& place) const;

  // The place behind an event, if that is kept or is the last one that was dropped.
  std::optional<Place> behind(std::uint32_t event) const;
  // Likewise for the last event with this line "id: ID".
  std::optional<Place> behind_id(std::string_view id) const;

  // The memory, in bytes, without that of a chunk that has no frames.
  std::size_t bytes() const { return front_ == nullptr ? 0 : bytes_ - memory_for(0); }
  // Drops the oldest frames that are kept together; false if there are none.
  bool drop_oldest();
  // Gives back what is not used, because nothing will be appended, or not there.
  void trim();
  // Drops all, and forgets the place.
  void clear();

 private:
  // The frames are behind it. No Place, whose padding each answer would pay for.
  struct Chunk {
    Chunk* link;  // to the next one; of the back one: to the one before it, or null
    std::uint64_t begin_byte;
    std::uint32_t begin_event;
    std::uint32_t events;
    std::uint32_t size;
    char first[4];

    std::string_view view() const { return {first, size}; }
    Place begin() const { return {begin_byte, begin_event}; }
    Place end() const { return {begin_byte + size, begin_event + events}; }
  };

  // What malloc adds to a chunk, and rounds it to.
  static constexpr std::size_t kMallocBytes = sizeof(std::size_t);
  static constexpr std::size_t kMallocRounding = 16;
  static constexpr std::size_t kChunkBytes = offsetof(Chunk, first) + kMallocBytes;  // besides its frames

  // The memory of a chunk with that many bytes of frames.
  static constexpr std::size_t memory_for(std::size_t frame_bytes) {
    return (kChunkBytes + frame_bytes + kMallocRounding - 1) / kMallocRounding * kMallocRounding;
  }
  // Of the back chunk.
  std::size_t back_bytes() const { return kChunkBytes + back_->size + room_; }
  // What the back chunk would have to take, to hold that much more; 0: a new chunk holds it.
  std::size_t grown_back_bytes(std::size_t frame_bytes) const;
  std::size_t new_chunk_bytes(std::size_t frame_bytes) const;
  std::size_t growth() const;
  void make_room(std::size_t frame_bytes);
  void resize_back(std::size_t bytes);
  void add_chunk(std::size_t bytes);
  void drop_latest();
  void free_front();
  static Place place_in(const Chunk& chunk, std::size_t offset);

  Chunk* front_ = nullptr;
  Chunk* back_ = nullptr;
  std::uint32_t bytes_ = 0;  // of all chunks
  std::uint32_t room_ = 0;   // that is not used in the back one
};

}  // namespace streaming
