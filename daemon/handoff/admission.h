// SPDX-License-Identifier: Apache-2.0
// Admission: whether a client is taken, and by which stream; if not, the Refusal that it gets.

#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/slab.h"
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

  // Which has taken the client; none if it has no stream here, or none yet.
  std::optional<Handle> stream() const { return stream_; }

 private:
  friend Admission admitted(std::optional<Handle> stream);
  Admission() = default;

  std::optional<Refusal> refusal_;  // none: the client is taken
  std::optional<Handle> stream_;
};

inline Admission admitted(std::optional<Handle> stream = std::nullopt) {
  Admission admission;
  admission.stream_ = stream;
  return admission;
}

}  // namespace streaming
