// SPDX-License-Identifier: Apache-2.0
// Admission: whether a client is taken; if not, the Refusal that it gets.

#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "handoff/refusal.h"

namespace streaming {

class [[nodiscard]] Admission {
 public:
  Admission(Refusal refusal) : refusal_(std::move(refusal)) {}

  // Whether the client is taken.
  explicit operator bool() const { return !refusal_; }

  Refusal& refusal() {
    CHECK(refusal_);
    return *refusal_;
  }
  const Refusal& refusal() const {
    CHECK(refusal_);
    return *refusal_;
  }

 private:
  friend Admission admitted();
  Admission() = default;

  std::optional<Refusal> refusal_;  // none: the client is taken
};

inline Admission admitted() {
  return {};
}

}  // namespace streaming
