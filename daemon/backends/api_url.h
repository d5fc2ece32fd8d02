// SPDX-License-Identifier: Apache-2.0
// Where an API's requests go.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "handoff/refusal.h"

namespace streaming {

// `base` with `path` behind it, before its query if it has one (Azure's api-version); {model} in it becomes the model
// (Azure's deployment), escaped. The model is one that refuse_model() has nothing against.
std::string api_url(std::string_view base, std::string_view path, std::string_view model);

// Why a model cannot stand in the URL that `base` asks for it in: "." and ".." would lead elsewhere.
std::optional<Refusal> refuse_model(std::string_view base, std::string_view model);

}  // namespace streaming
