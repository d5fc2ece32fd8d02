// SPDX-License-Identifier: Apache-2.0
#include "config/configured_headers.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/header_field.h"
#include "config/secret_file.h"

namespace streaming {
namespace {

const Error kMustBeHeaders{"must be a table of headers: { NAME = \"VALUE\", NAME = { file = \"/PATH/OF/A/SECRET\" } }"};

// Headers that frame the request, that the daemon sets itself, or that come from the hand-off.
constexpr std::array kOwnNames{"Host",
                               "Content-Length",
                               "Content-Type",
                               "Content-Encoding",
                               "Transfer-Encoding",
                               "Connection",
                               "Keep-Alive",
                               "Upgrade",
                               "TE",
                               "Trailer",
                               "Expect",
                               "Accept",
                               "Accept-Encoding",
                               "HTTP2-Settings",
                               "Proxy-Connection",
                               "Proxy-Authorization",
                               "User-Agent",
                               "X-Request-Id",
                               "traceparent",
                               "X-Test-Pattern",
                               "anthropic-version"};

// Words in the name of a header that suggest a secret value.
constexpr std::array kSecretWords{"key", "apikey", "token", "secret", "password", "auth", "authorization", "cookie"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view candidate) { return same_header_name(candidate, name); });
}

bool names_a_secret(std::string_view name) {
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of("-_."), rest.size());
    if (is_one_of(kSecretWords, rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

Status check_name(const std::string& name) {
  if (!is_header_name(name) || name.size() > kMaxHeaderNameBytes) {
    return Error{"has \"" + name.substr(0, kMaxHeaderNameBytes) + "\", which is not the name of a header"};
  }
  if (is_one_of(kOwnNames, name)) return Error{"has " + name + ", which the daemon sets itself"};
  return success();
}

Status check_value(const std::string& name, const ConfiguredHeader& header) {
  if (header.value.empty() && header.file.empty()) return Error{"has no value for " + name};
  if (!is_header_value(header.value)) return Error{"has control characters in the value of " + name};
  if (header.value.size() <= kMaxConfiguredHeaderBytes) return success();
  return Error{"has a value of more than " + std::to_string(kMaxConfiguredHeaderBytes) + " bytes for " + name};
}

Result<ConfiguredHeader> header_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return ConfiguredHeader{text->get(), {}};
  const toml::table* table = node.as_table();
  if (table == nullptr) return kMustBeHeaders;
  ConfiguredHeader header;
  for (const auto& [key, part] : *table) {
    const auto* text = part.as_string();
    if (text == nullptr || (key != "file" && key != "value")) return kMustBeHeaders;
    (key == "file" ? header.file : header.value) = text->get();
  }
  return header;
}

}  // namespace

Result<ConfiguredHeaders> parse_headers(std::string_view text) {
  ConfiguredHeaders headers;
  toml::table document;
  try {
    document = toml::parse("headers = " + std::string(text));
  } catch (const toml::parse_error&) {
    return kMustBeHeaders;
  }
  const toml::table* table = document["headers"].as_table();
  if (document.size() != 1 || table == nullptr) return kMustBeHeaders;
  if (table->size() > kMaxConfiguredHeaders) {
    return Error{"must be at most " + std::to_string(kMaxConfiguredHeaders) + " headers"};
  }
  for (const auto& [key, node] : *table) {
    const std::string name(key.str());
    Result<ConfiguredHeader> header = header_of(node);
    if (!header) return header.error();
    if (has_header(headers, name)) return Error{"has " + name + " twice"};
    if (Status checked = check_name(name); !checked) return checked.error();
    if (Status checked = check_value(name, *header); !checked) return checked.error();
    headers.emplace(name, std::move(*header));
  }
  return headers;
}

std::string headers_text(const ConfiguredHeaders& headers, Secrets secrets) {
  toml::table table;
  table.is_inline(true);
  for (const auto& [name, header] : headers) {
    if (header.file.empty()) {
      if (secrets == Secrets::kWith || !names_a_secret(name)) table.insert(name, header.value);
      continue;
    }
    toml::table parts;
    parts.is_inline(true);
    parts.insert("file", header.file);
    if (secrets == Secrets::kWith) parts.insert("value", header.value);
    table.insert(name, std::move(parts));
  }
  std::ostringstream text;
  text << table;
  return text.str();
}

Status read_header_files(ConfiguredHeaders& headers) {
  for (auto& [name, header] : headers) {
    if (header.file.empty()) continue;
    Result<std::string> read = read_secret_file(header.file);
    if (!read) return Error{name + ": " + read.error().message};
    header.value = std::move(*read);
    if (Status checked = check_value(name, header); !checked) return checked;
  }
  return success();
}

bool has_header(const ConfiguredHeaders& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const auto& header) { return same_header_name(header.first, name); });
}

}  // namespace streaming
