// SPDX-License-Identifier: Apache-2.0
#include "backends/wrapping/wrapping_session.h"

#include <utility>

#include "base/check.h"

namespace streaming {

void WrappingSession::begin(std::unique_ptr<BackendSession> inner) {
  CHECK(inner != nullptr && !has_inner_ && !cancelled_);
  inner_ = std::move(inner);
  has_inner_ = true;
  if (paused_) inner_->pause();
}

void WrappingSession::drop() {
  if (std::exchange(has_inner_, false)) inner_->cancel();
}

void WrappingSession::pause() {
  CHECK(!cancelled_);
  paused_ = true;
  if (has_inner_) inner_->pause();
}

void WrappingSession::resume() {
  CHECK(!cancelled_);
  paused_ = false;
  if (has_inner_) inner_->resume();
}

void WrappingSession::cancel() {
  if (std::exchange(cancelled_, true)) return;
  drop();
  on_cancel();
}

}  // namespace streaming
