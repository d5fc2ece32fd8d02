// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or the Error that a peer, the kernel or the operator caused. Status is a Result without a value.
//
// An Error's message names what failed and where and, if possible, what to do. It is complete without its code.

#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace streaming {

struct Error {
  std::string message;
  int code = 0;  // an errno; 0 if none applies

  // "MESSAGE: strerror(CODE)"
  static Error from_errno(std::string message, int code);
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() {
    CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const {
    CHECK(ok());
    return std::get<0>(state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    CHECK(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<std::monostate>;
inline Status success() {
  return std::monostate{};
}

}  // namespace streaming
