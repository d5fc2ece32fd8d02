// SPDX-License-Identifier: Apache-2.0
// The engines that tests run over, and where each keeps its files.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ring/engine.h"

namespace streaming {

struct RingKind {
  const char* name;
  Engine engine;
  bool direct_files;
};

inline bool has_uring() {
  const Result<EngineChoice> choice = choose_engine("auto");
  return choice && choice->engine == Engine::kUring;
}

// Where the kernel does not release direct files at once, the daemon does not use them either.
inline std::vector<RingKind> ring_kinds_of_this_kernel() {
  std::vector<RingKind> kinds{{"Epoll", Engine::kEpoll, false}};
  const Result<EngineChoice> choice = choose_engine("auto");
  if (!choice || choice->engine == Engine::kEpoll) return kinds;
  kinds.push_back({"UringWithFilesOfTheProcess", Engine::kUring, false});
  if (choice->direct_files) kinds.push_back({"UringWithDirectFiles", Engine::kUring, true});
  return kinds;
}

inline std::string name_of_ring_kind(const testing::TestParamInfo<RingKind>& kind) {
  return kind.param.name;
}

}  // namespace streaming
