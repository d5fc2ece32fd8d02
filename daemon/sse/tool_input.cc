// SPDX-License-Identifier: Apache-2.0
#include "sse/tool_input.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <cstdint>

#include "base/json_input.h"

namespace streaming {
namespace {

constexpr unsigned kParseFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

class InputHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, InputHandler> {
 public:
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    const std::string_view key(text, length);
    constructor_next_ = key == "constructor";
    return key != "__proto__" && !(in_constructor() && key == "prototype");
  }
  bool StartObject() { return enter(constructor_next_); }
  bool EndObject(rapidjson::SizeType) { return leave(); }
  bool StartArray() { return enter(false); }
  bool EndArray(rapidjson::SizeType) { return leave(); }

 private:
  static_assert(kMaxJsonDepth <= 64, "constructors_ has a bit for each level");

  bool in_constructor() const { return (constructors_ & 1) != 0; }
  bool enter(bool is_constructor) {
    constructors_ = constructors_ << 1 | std::uint64_t{is_constructor};
    constructor_next_ = false;
    return ++depth_ <= kMaxJsonDepth;
  }
  bool leave() {
    constructors_ >>= 1;
    --depth_;
    return true;
  }

  std::uint32_t depth_ = 0;
  std::uint64_t constructors_ = 0;  // the open levels that are a "constructor"; the lowest bit is the innermost
  bool constructor_next_ = false;   // the next value is one
};

}  // namespace

bool is_tool_input(std::string_view text) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  InputHandler handler;
  // The reader takes a NUL for the end, so check that it has read everything.
  return !reader.Parse<kParseFlags>(stream, handler).IsError() && stream.Tell() == text.size();
}

void append_tool_input(Buffer& out, std::string_view json) {
  // Valid JSON has line ends only outside of strings, where a space means the same.
  for (std::size_t end = json.find_first_of("\r\n"); end != std::string_view::npos; end = json.find_first_of("\r\n")) {
    out.append(json.substr(0, end));
    out.append(' ');
    json.remove_prefix(end + 1);
  }
  out.append(json);
}

}  // namespace streaming
