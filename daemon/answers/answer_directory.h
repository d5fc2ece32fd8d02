// SPDX-License-Identifier: Apache-2.0
// AnswerDirectory: which worker has the answer of an id.
//
// One per process, because any worker may be handed a client that asks for any answer: behind mutexes, each of which is
// held for a look-up, a few times an answer and never with an event. Owned by the Server; outlives the workers.
//
// A hash table of pointers alone, because each kept answer pays for its place in it. It is in parts, so that none takes
// long to grow.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace streaming {

class AnswerDirectory {
 public:
  // A part of the answer, which enters it and removes it before it is destroyed. Nothing of it changes meanwhile.
  class Entry {
   public:
    // `names`: the id, and behind it the user. They are behind the entry, within the answer's memory.
    Entry(std::uint32_t worker, const char* names, std::size_t id_bytes, std::size_t user_bytes);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    std::string_view id() const { return {names(), id_bytes_}; }
    // Empty: anybody may have the answer.
    std::string_view user() const { return {names() + id_bytes_, user_bytes_}; }

   protected:
    ~Entry() = default;

    const char* names() const { return reinterpret_cast<const char*>(this) + names_offset_; }

   private:
    friend class AnswerDirectory;

    std::uint64_t run_ : 48 = 0;  // distinguishes it from earlier and later answers of the id
    const std::uint64_t worker_ : 16;
    const std::uint16_t names_offset_;
    const std::uint16_t user_bytes_;
    const std::uint8_t id_bytes_;
  };

  struct Found {
    std::uint32_t worker = 0;
    std::uint64_t run = 0;
    bool allowed = false;  // to this user
  };
  std::optional<Found> find(std::string_view id, std::string_view user) const;

  // The entry, if the answer of that id is this worker's; otherwise null. Only that worker may use it.
  Entry* find_own(std::string_view id, std::uint32_t worker) const;

  // False if there is an answer of that id.
  bool enter(Entry& entry);
  // Removes it if it was entered; other entries of its id stay.
  void remove(const Entry& entry);

  std::size_t size() const;

 private:
  // An entry is in the first free slot behind the one that its id's hash names.
  struct Part {
    mutable std::mutex mutex;
    std::vector<Entry*> slots;  // a power of two, or none
    std::size_t used = 0;
    std::uint64_t last_run = 0;

    // The id's slot, or the free one that it would get. There are slots.
    std::size_t slot_of(std::string_view id) const;
    // The slot that its id's hash names.
    std::size_t home_of(std::string_view id) const;
    std::size_t behind(std::size_t slot) const { return (slot + 1) & (slots.size() - 1); }
    Entry* find(std::string_view id) const { return slots.empty() ? nullptr : slots[slot_of(id)]; }
    void free_slot(std::size_t slot);
    void resize(std::size_t size);
  };
  static constexpr std::size_t kPartBits = 6;

  Part& part_of(std::string_view id) { return parts_[part_index(id)]; }
  const Part& part_of(std::string_view id) const { return parts_[part_index(id)]; }
  static std::size_t part_index(std::string_view id);

  std::array<Part, std::size_t{1} << kPartBits> parts_;
};

}  // namespace streaming
