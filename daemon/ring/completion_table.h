// SPDX-License-Identifier: Apache-2.0
// CompletionTable: whose function each operation's completion goes to, in one step.
//
// One per worker, owned by it, on its thread. The owners of operations enter themselves before the first of them
// completes, and outlive the ring's last turn.

#pragma once

#include <array>
#include <cstddef>

#include "base/check.h"
#include "base/slab.h"
#include "ring/ring.h"

namespace streaming {

class CompletionTable final : public CompletionHandler {
 public:
  // Completions of `operation` go to (owner.*kFunction)(completion).
  template <auto kFunction, typename Owner>
  void enter(Operation operation, Owner& owner) {
    set(operation, &owner, [](void* entered, const Completion& completion) {
      (static_cast<Owner*>(entered)->*kFunction)(completion);
    });
  }

  // To the object in `slab` that the completion's tag names. It must not be freed before.
  template <auto kFunction, typename T>
  void enter_slots(Operation operation, Slab<T>& slab) {
    set(operation, &slab, [](void* entered, const Completion& completion) {
      T* const object = static_cast<Slab<T>*>(entered)->find(completion.tag.slot);
      CHECK(object != nullptr);
      (object->*kFunction)(completion);
    });
  }

  void on_completion(const Completion& completion) override {
    const Entry& entry = entries_[static_cast<std::size_t>(completion.tag.operation)];
    CHECK(entry.call != nullptr);
    entry.call(entry.owner, completion);
  }

 private:
  using Call = void (*)(void* owner, const Completion& completion);
  struct Entry {
    Call call = nullptr;
    void* owner = nullptr;
  };

  void set(Operation operation, void* owner, Call call) {
    Entry& entry = entries_[static_cast<std::size_t>(operation)];
    CHECK(entry.call == nullptr);
    entry = {call, owner};
  }

  std::array<Entry, static_cast<std::size_t>(kLastOperation) + 1> entries_;
};

}  // namespace streaming
