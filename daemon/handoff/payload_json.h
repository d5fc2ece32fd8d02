// SPDX-License-Identifier: Apache-2.0
// PayloadJson: the JSON of a hand-off's payload, parsed once and in place, with the memory that holds it.
//
// Part of its HandoffRequest. No object in it has two members of one name, its depth is at most kMaxJsonDepth, its
// strings are UTF-8 and its numbers finite. Parsing takes time linear in the size, except for the search for repeated
// names, which sorts the names of large objects.

#pragma once

#include <rapidjson/document.h>
#include <rapidjson/reader.h>

#include <cstddef>
#include <forward_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handoff/payload_file.h"

namespace streaming {

// Memory for parsing that is reused from payload to payload. One per worker.
struct JsonScratch {
  rapidjson::Reader reader;
  std::vector<std::string_view> names;  // of the objects that are open
};

// The text of a value that is a string.
inline std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

class PayloadJson {
 public:
  PayloadJson() = default;
  PayloadJson(const PayloadJson&) = delete;
  PayloadJson& operator=(const PayloadJson&) = delete;

  // Copies the text, or takes the file that holds it. Call one of the two, once; the document is null until then. The
  // Error's message is for the client and names the fault and its place.
  Status parse(std::span<const char> text, JsonScratch& scratch);
  Status parse(PayloadFile file, JsonScratch& scratch);

  rapidjson::Document& document() { return document_; }
  const rapidjson::Document& document() const { return document_; }

  // Keeps a text for values that refer to it.
  std::string_view keep(std::string text);

  // The memory that it takes beyond its own size, in bytes.
  std::size_t bytes() const { return text_bytes_ + kept_bytes_ + pool_.Capacity(); }

 private:
  static constexpr std::size_t kPoolBytes = 1024;  // enough for most payloads; others allocate
  static constexpr std::size_t kPoolChunkBytes = 8 * 1024;

  Status parse_in_place(char* text, std::size_t bytes, JsonScratch& scratch);

  std::unique_ptr<char[]> text_;
  std::optional<PayloadFile> file_;
  std::size_t text_bytes_ = 0;
  std::forward_list<std::string> kept_;
  std::size_t kept_bytes_ = 0;
  alignas(std::max_align_t) char pool_memory_[kPoolBytes];
  rapidjson::MemoryPoolAllocator<> pool_{pool_memory_, sizeof pool_memory_, kPoolChunkBytes};
  rapidjson::Document document_{&pool_};
};

}  // namespace streaming
