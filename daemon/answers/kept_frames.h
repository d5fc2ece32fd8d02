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

  Place begin() const { return begin_; }  // of what is kept
  Place end() const { return end_; }

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

  // The memory, in bytes.
  std::size_t bytes() const { return bytes_; }
  // Drops the oldest frames that are kept together; false if there is nothing but the latest.
  bool drop_oldest();
  // Gives back what is not used, because nothing will be appended, or not there.
  void trim();
  // Drops all.
  void clear();

 private:
  // The frames are behind it.
  struct Chunk {
    Chunk* next;
    Place begin;
    std::uint32_t events;
    std::uint32_t size;
    std::uint32_t capacity;

    char* frames() { return reinterpret_cast<char*>(this + 1); }
    std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), size}; }
    Place end() const { return {begin.byte + size, begin.event + events}; }
  };

  Chunk& chunk_with_room(std::size_t bytes);
  void free_front();
  static Place place_in(const Chunk& chunk, std::size_t offset);

  Chunk* front_ = nullptr;
  Chunk* back_ = nullptr;
  Chunk* before_back_ = nullptr;  // null if back_ is the front
  Place begin_;
  Place end_;
  std::size_t bytes_ = 0;
};

}  // namespace streaming
