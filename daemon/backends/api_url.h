// Where an API's requests go.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// `base` with `path` behind it, before its query if it has one (Azure's api-version); {model} in it becomes the model
// (Azure's deployment), escaped.
std::string api_url(std::string_view base, std::string_view path, std::string_view model);

// Whether the daemon can ask there; the Error names `settings`, as "OPENAI_API_BASE, ...", and the backend.
Status check_api(const Config& config, std::string_view backend, std::string_view base, std::string_view settings);

}  // namespace streaming
