// SPDX-License-Identifier: Apache-2.0
#include "ring/engine.h"

#include <cerrno>
#include <utility>

#include "ring/direct_files.h"
#include "ring/epoll_ring.h"
#include "ring/uring_ring.h"

namespace streaming {
namespace {

// Makes a ring and enters the kernel with it once, because a filter can forbid each of io_uring's calls alone.
Status try_uring() {
  Result<std::unique_ptr<Ring>> ring =
      UringRing::create({.direct_files = false, .receive_buffers = 2, .receive_bytes = 1});
  if (!ring) return ring.error();
  if (Status enabled = (*ring)->enable(); !enabled) return enabled;
  return (*ring)->wait(0);
}

bool is_refused(int code) {
  return code == ENOSYS || code == EPERM || code == EACCES || code == EINVAL || code == EOPNOTSUPP;
}

}  // namespace

Result<EngineChoice> choose_engine(std::string_view setting) {
  if (setting == name(Engine::kEpoll)) return EngineChoice{.engine = Engine::kEpoll, .reason = {}};
  const Status tried = try_uring();
  if (tried) return EngineChoice{.direct_files = kernel_releases_direct_files_at_once(), .reason = {}};
  if (setting == name(Engine::kUring) || !is_refused(tried.error().code)) return tried.error();
  return EngineChoice{.engine = Engine::kEpoll, .reason = tried.error().message};
}

Result<std::unique_ptr<Ring>> make_ring(Engine engine, const RingOptions& options) {
  return engine == Engine::kUring ? UringRing::create(options) : EpollRing::create(options);
}

}  // namespace streaming
