// SPDX-License-Identifier: Apache-2.0
// The URLs of requests to an API.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "handoff/refusal.h"

namespace streaming {

// `base` with `path` after it, before its query if it has one (Azure's api-version); {model} in it becomes the model
// (Azure's deployment), escaped. The model is one that refuse_model() has nothing against.
std::string api_url(std::string_view base, std::string_view path, std::string_view model);

// Why a model cannot be part of the URL that `base` asks for it in: "." and ".." would lead elsewhere. Nothing if it
// can.
std::optional<Refusal> refuse_model(std::string_view base, std::string_view model);

}  // namespace streaming
