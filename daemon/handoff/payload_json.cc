// SPDX-License-Identifier: Apache-2.0
#include "handoff/payload_json.h"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/json_input.h"
#include "base/printable.h"

namespace streaming {
namespace {

using Document = rapidjson::Document;
using Names = std::vector<std::string_view>;

// In place: strings stay in the text. Iterative: depth must not cost stack. UTF-8 is checked.
constexpr unsigned kParseFlags =
    rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// In an object with more names than this they are sorted to find repeated ones; up to it, each is compared with each.
constexpr std::size_t kFewNames = 16;

// Names for which a worker keeps memory between payloads.
constexpr std::size_t kKeptNames = 1024;

// Only equality matters, so the cheapest order is used.
bool before(std::string_view left, std::string_view right) {
  return left.size() != right.size() ? left.size() < right.size() : left < right;
}

// Empty, with a null pointer, if all names differ. May reorder them.
std::string_view find_repeated(std::span<std::string_view> names) {
  if (names.size() > kFewNames) {
    std::sort(names.begin(), names.end(), before);
    const auto found = std::adjacent_find(names.begin(), names.end());
    return found == names.end() ? std::string_view() : *found;
  }
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) return *name;
  }
  return {};
}

// Builds a document, and stops at what RapidJSON would accept but we do not.
class PayloadHandler {
 public:
  PayloadHandler(Document& document, Names& names) : document_(document), names_(names) {}

  // The reason why it has stopped; empty if it has not.
  const std::string& complaint() const { return complaint_; }

  bool Null() { return document_.Null(); }
  bool Bool(bool value) { return document_.Bool(value); }
  bool Int(int value) { return document_.Int(value); }
  bool Uint(unsigned value) { return document_.Uint(value); }
  bool Int64(std::int64_t value) { return document_.Int64(value); }
  bool Uint64(std::uint64_t value) { return document_.Uint64(value); }
  bool Double(double value) {
    return (std::isfinite(value) || stop("a number is too large")) && document_.Double(value);
  }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool copy) {
    return document_.RawNumber(text, length, copy);
  }
  bool String(const char* text, rapidjson::SizeType length, bool copy) {
    return check_text({text, length}) && document_.String(text, length, copy);
  }
  bool Key(const char* text, rapidjson::SizeType length, bool copy) {
    names_.emplace_back(text, length);
    return check_text({text, length}) && document_.Key(text, length, copy);
  }
  bool StartObject() { return enter() && document_.StartObject(); }
  bool EndObject(rapidjson::SizeType members) {
    return check_names(members) && leave() && document_.EndObject(members);
  }
  bool StartArray() { return enter() && document_.StartArray(); }
  bool EndArray(rapidjson::SizeType elements) { return leave() && document_.EndArray(elements); }

 private:
  bool stop(std::string complaint) {
    complaint_ = std::move(complaint);
    return false;
  }
  bool check_text(std::string_view text) {
    return !has_lone_surrogate(text) || stop("a string has half a surrogate pair");
  }
  bool check_names(rapidjson::SizeType members) {
    const std::string_view repeated = find_repeated(std::span(names_).last(members));
    if (repeated.data() != nullptr) return stop("an object has the member \"" + printable_name(repeated) + "\" twice");
    names_.resize(names_.size() - members);
    return true;
  }
  bool enter() {
    return ++depth_ <= kMaxJsonDepth || stop("it is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  bool leave() {
    --depth_;
    return true;
  }

  Document& document_;
  Names& names_;
  std::uint32_t depth_ = 0;
  std::string complaint_;
};

Error not_json(std::string_view reason, std::size_t offset) {
  return Error{"the payload is not valid JSON: " + std::string(reason) + " (at byte " + std::to_string(offset) + ")"};
}

}  // namespace

Status PayloadJson::parse(std::span<const char> text, JsonScratch& scratch) {
  text_bytes_ = text.size() + kJsonPadding;
  text_ = std::make_unique_for_overwrite<char[]>(text_bytes_);
  std::copy(text.begin(), text.end(), text_.get());
  return parse_in_place(text_.get(), text.size(), scratch);
}

Status PayloadJson::parse(PayloadFile file, JsonScratch& scratch) {
  file_.emplace(std::move(file));
  const std::span<char> text = file_->bytes();
  text_bytes_ = text.size() + kJsonPadding;
  return parse_in_place(text.data(), text.size(), scratch);
}

std::string_view PayloadJson::keep(std::string text) {
  kept_bytes_ += text.capacity();
  return kept_.emplace_front(std::move(text));
}

Status PayloadJson::parse_in_place(char* text, std::size_t bytes, JsonScratch& scratch) {
  std::fill_n(text + bytes, kJsonPadding, '\0');
  rapidjson::InsituStringStream stream(text);
  rapidjson::ParseResult parsed;
  std::string complaint;
  auto parse_into = [&](Document& document) {
    PayloadHandler handler(document, scratch.names);
    parsed = scratch.reader.Parse<kParseFlags>(stream, handler);
    complaint = handler.complaint();
    return !parsed.IsError();
  };
  document_.Populate(parse_into);
  scratch.names.clear();
  if (scratch.names.capacity() > kKeptNames) scratch.names.shrink_to_fit();
  if (!complaint.empty()) return not_json(complaint, parsed.Offset());
  if (parsed.IsError()) return not_json(rapidjson::GetParseError_En(parsed.Code()), parsed.Offset());
  if (stream.Tell() != bytes) return not_json("it contains a NUL byte", stream.Tell());
  if (!document_.IsObject()) return Error{"the payload must be a JSON object"};
  return success();
}

}  // namespace streaming
