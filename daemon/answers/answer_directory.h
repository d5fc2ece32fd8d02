// SPDX-License-Identifier: Apache-2.0
// AnswerDirectory: which worker has the answer of an id.
//
// One per process, because any worker may be handed a client that asks for any answer: behind a mutex, which is held
// for a look-up, a few times an answer and never with an event. Owned by the Server; outlives the workers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace streaming {

class AnswerDirectory {
 public:
  // A part of the answer, which enters it and removes it before it is destroyed. Nothing of it changes meanwhile.
  class Entry {
   public:
    Entry(std::uint32_t worker, std::string_view id, std::string_view user);

    std::string_view id() const { return std::string_view(names_).substr(0, id_bytes_); }
    // Empty: anybody may have the answer.
    std::string_view user() const { return std::string_view(names_).substr(id_bytes_); }

   protected:
    ~Entry() = default;

   private:
    friend class AnswerDirectory;

    const std::string names_;  // the id, and behind it the user
    std::uint64_t run_ = 0;    // distinguishes it from earlier and later answers of the id
    const std::uint32_t worker_;
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
  mutable std::mutex mutex_;
  std::unordered_map<std::string_view, Entry*> entries_;  // the keys are the entries' own
  std::uint64_t last_run_ = 0;
};

}  // namespace streaming
