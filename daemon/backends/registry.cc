// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <array>
#include <string>

namespace streaming {
namespace {

constexpr std::array kRegistry{
    BackendEntry{"mock", make_mock_backend},           BackendEntry{"openai", make_openai_backend},
    BackendEntry{"anthropic", make_anthropic_backend}, BackendEntry{kExecBackend, nullptr},
    BackendEntry{"typing", make_typing_backend},       BackendEntry{"langgraph", make_langgraph_backend},
    BackendEntry{"hold", make_hold_backend},
};

}  // namespace

std::span<const BackendEntry> backend_registry() {
  return kRegistry;
}

const BackendEntry* find_backend(std::string_view name) {
  for (const BackendEntry& entry : kRegistry) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string backend_names() {
  std::string names;
  for (const BackendEntry& entry : kRegistry) {
    if (!names.empty()) names += ", ";
    names += entry.name;
  }
  return names;
}

}  // namespace streaming
