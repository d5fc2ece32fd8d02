// SPDX-License-Identifier: Apache-2.0
#include "config/profile.h"

#include "base/check.h"
#include "config/secret_file.h"

namespace streaming {
namespace {

constexpr char kHeaders[] = "headers";

// `prefix` is put before a key for its full name.
Status read_secret(Config& config, std::string_view secret, ProfileTexts& texts, const std::string& prefix) {
  const std::string key = std::string(secret) + "_file";
  const auto file = texts.find(key);
  if (file == texts.end() || file->second.empty()) return success();
  Result<std::string> read = read_secret_file(file->second);
  if (!read) return Error{source_of(config, prefix + key) + ": " + read.error().message};
  texts.insert_or_assign(std::string(secret), *read);
  note_exposure(config, file->second, prefix + key);
  return success();
}

Status read_headers(Config& config, ProfileTexts& texts, const std::string& place) {
  const auto text = texts.find(kHeaders);
  if (text == texts.end()) return success();
  Result<ConfiguredHeaders> headers = parse_headers(text->second);
  CHECK(headers.ok());  // reading the file has checked it
  if (Status read = read_header_files(*headers); !read) {
    return Error{source_of(config, place) + ": " + read.error().message};
  }
  for (const auto& [name, header] : *headers) {
    if (!header.file.empty()) note_exposure(config, header.file, place);
  }
  text->second = headers_text(*headers, Secrets::kWith);
  return success();
}

}  // namespace

std::vector<std::string_view> profile_keys(const ProfileKind& kind) {
  std::vector<std::string_view> keys;
  for (const Option& option : option_table()) {
    if (option.key.starts_with(kind.prefix)) keys.push_back(option.key.substr(kind.prefix.size()));
  }
  return keys;
}

const Option* find_profile_option(const ProfileKind& kind, std::string_view key) {
  return find_option(std::string(kind.prefix).append(key));
}

Status read_profile_secrets(Config& config) {
  for (const ProfileKind& kind : kProfileKinds) {
    for (auto& [name, texts] : config.*kind.profiles) {
      const std::string prefix = std::string(kind.table) + "." + name + ".";
      if (Status secret = read_secret(config, kind.secret, texts, prefix); !secret) return secret;
      if (Status headers = read_headers(config, texts, prefix + kHeaders); !headers) return headers;
    }
  }
  return success();
}

Config with_profile(const Config& config, const ProfileKind& kind, const ProfileTexts& profile) {
  Config own = config;
  for (const auto& [key, text] : profile) {
    const Option* option = find_profile_option(kind, key);
    CHECK(option != nullptr && set_option(own, *option, text).ok());  // reading the file has checked it
  }
  return own;
}

}  // namespace streaming
