// SPDX-License-Identifier: Apache-2.0
#include "config/profile.h"

#include "base/check.h"
#include "config/secret_file.h"

namespace streaming {
namespace {

// The prefix, in the option table, of the keys that a profile may have.
constexpr std::string_view kPrefix = "backend.langgraph.";

constexpr char kSecret[] = "api_key";
constexpr char kSecretFile[] = "api_key_file";
constexpr char kHeaders[] = "headers";

// `place` is the full key.
Status read_key(Config& config, ProfileTexts& texts, const std::string& place) {
  const auto file = texts.find(kSecretFile);
  if (file == texts.end() || file->second.empty()) return success();
  Result<std::string> read = read_secret_file(file->second);
  if (!read) return Error{source_of(config, place) + ": " + read.error().message};
  texts.insert_or_assign(kSecret, *read);
  note_exposure(config, file->second, place);
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

std::vector<std::string_view> profile_keys() {
  std::vector<std::string_view> keys;
  for (const Option& option : option_table()) {
    if (option.key.starts_with(kPrefix)) keys.push_back(option.key.substr(kPrefix.size()));
  }
  return keys;
}

const Option* find_profile_option(std::string_view key) {
  return find_option(std::string(kPrefix).append(key));
}

Status read_profile_secrets(Config& config) {
  for (auto& [name, texts] : config.langgraph_profiles) {
    const std::string place = std::string(kProfilesTable) + "." + name + ".";
    if (Status key = read_key(config, texts, place + kSecretFile); !key) return key;
    if (Status headers = read_headers(config, texts, place + kHeaders); !headers) return headers;
  }
  return success();
}

Config with_profile(const Config& config, const ProfileTexts& profile) {
  Config own = config;
  for (const auto& [key, text] : profile) {
    const Option* option = find_profile_option(key);
    CHECK(option != nullptr && set_option(own, *option, text).ok());  // reading the file has checked it
  }
  return own;
}

}  // namespace streaming
