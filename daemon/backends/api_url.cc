// SPDX-License-Identifier: Apache-2.0
#include "backends/api_url.h"

#include <algorithm>

namespace streaming {
namespace {

constexpr std::string_view kModel = "{model}";

bool stands_for_itself(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
         byte == '.' || byte == '_' || byte == '~';
}

std::string percent_encoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char byte : text) {
    if (stands_for_itself(byte)) {
      out += byte;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(byte) >> 4];
      out += kDigits[static_cast<unsigned char>(byte) & 15];
    }
  }
  return out;
}

}  // namespace

std::optional<Refusal> refuse_model(std::string_view base, std::string_view model) {
  const bool in_url = base.find(kModel) != std::string_view::npos;
  if (!in_url || (model != "." && model != "..")) return std::nullopt;
  return Refusal{400, "the model must not be \"" + std::string(model) + "\""};
}

std::string api_url(std::string_view base, std::string_view path, std::string_view model) {
  const std::size_t query = std::min(base.find('?'), base.size());
  std::string url(base.substr(0, query));
  while (url.ends_with('/')) url.pop_back();
  url.append(path).append(base.substr(query));
  if (const std::size_t at = url.find(kModel); at != std::string::npos) {
    url.replace(at, kModel.size(), percent_encoded(model));
  }
  return url;
}

}  // namespace streaming
