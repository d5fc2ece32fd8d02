// Where an API's requests go.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

// `base` with `path` behind it, before its query if it has one (Azure's api-version); {model} in it becomes the model
// (Azure's deployment), escaped.
std::string api_url(std::string_view base, std::string_view path, std::string_view model);

}  // namespace streaming
