// SPDX-License-Identifier: Apache-2.0
#include "backends/tool_calls.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "backends/json_fields.h"
#include "base/check.h"
#include "base/json_input.h"
#include "sse/json_text.h"
#include "sse/limits.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;

std::size_t hash_or_zero(std::string_view text) {
  return text.empty() ? 0 : std::hash<std::string_view>()(text);
}

std::string_view text_or_nothing(const Value* object, const char* name) {
  return name == nullptr ? std::string_view() : find_text(object, name);
}

bool is_plain(ToolInputForm form) {
  return form == ToolInputForm::kPlainPieces || form == ToolInputForm::kPlainWhole;
}

bool comes_in_pieces(ToolInputForm form) {
  return form == ToolInputForm::kPieces || form == ToolInputForm::kPlainPieces;
}

bool is_shallow(const Value& value, std::uint32_t levels) {
  if (levels == 0) return false;
  if (value.IsObject()) {
    return std::all_of(value.MemberBegin(), value.MemberEnd(),
                       [levels](const auto& member) { return is_shallow(member.value, levels - 1); });
  }
  return !value.IsArray() || std::all_of(value.Begin(), value.End(),
                                         [levels](const Value& element) { return is_shallow(element, levels - 1); });
}

// Nothing if it is nested too deep to be written by recursion.
std::optional<std::string> written(const Value& value) {
  if (!is_shallow(value, kMaxJsonDepth)) return std::nullopt;
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::string escaped(std::string_view text) {
  Buffer out;
  append_json_text(out, text);
  return std::string(out.view());
}

}  // namespace

const ToolCallShape* find_shape(std::span<const ToolCallShape> shapes, const Value& object) {
  const std::string_view type = find_text(&object, "type");
  const auto shape = std::find_if(shapes.begin(), shapes.end(), [&](const ToolCallShape& one) {
    if (one.type != nullptr) return type == one.type;
    return one.inside == nullptr || find_member(&object, one.inside) != nullptr;
  });
  return shape == shapes.end() ? nullptr : &*shape;
}

// --- What is said of a call -----------------------------------------------------------------------------------------

bool ToolCalls::read(EventSink& sink, const ToolCallShape& shape, const Value& object, std::uint64_t place) {
  if (!object.IsObject()) return true;
  const Said said = said_by(shape, object);
  if (said.id.empty() && said.name.empty() && said.input == nullptr) return true;
  Call* call = find(shape, said, place);
  if (call == nullptr) call = begin(sink, shape, said, place);
  if (call == nullptr) return true;
  name(sink, *call, said);
  return said.input == nullptr || read_input(sink, shape, *call, *said.input);
}

ToolCalls::Said ToolCalls::said_by(const ToolCallShape& shape, const Value& object) {
  const Value* inside = shape.inside == nullptr ? &object : find_member(&object, shape.inside);
  return {.id = text_or_nothing(&object, shape.id),
          .name = shape.own_name != nullptr ? shape.own_name : text_or_nothing(inside, shape.name),
          .input = shape.input == nullptr ? &object : find_member(inside, shape.input)};
}

void ToolCalls::add_input(EventSink& sink, std::uint64_t place, std::string_view text) {
  if (Call* call = find_at(place)) add_piece(sink, *call, text);
}

void ToolCalls::take_whole_input(EventSink& sink, std::uint64_t place, std::string_view text) {
  if (Call* call = find_at(place)) take_whole(sink, *call, text);
}

void ToolCalls::finish(EventSink& sink) {
  for (Call& call : calls_) {
    if (call.plain_begun) pieces_.hand_on_text(sink, AnswerEvent::Kind::kToolInput, "\"", number_of(call));
  }
}

bool ToolCalls::knows(std::string_view id) const {
  return !id.empty() &&
         std::any_of(calls_.begin(), calls_.end(), [hash = hash_or_zero(id)](const Call& call) { return call.id == hash; });
}

// --- Of which call it is said ---------------------------------------------------------------------------------------

ToolCalls::Call* ToolCalls::find(const ToolCallShape& shape, const Said& said, std::uint64_t place) {
  const std::size_t id = hash_or_zero(said.id);
  Call* last = nullptr;  // at that place
  for (auto call = calls_.rbegin(); call != calls_.rend(); ++call) {
    if (id != 0 && call->id == id && (call->place == place || shape.key != ToolCallKey::kPlace)) return &*call;
    if (last == nullptr && call->place == place) last = &*call;
    if (last != nullptr && id == 0) break;
  }
  if (last == nullptr || shape.key == ToolCallKey::kIdOrItem) return last;
  return begins_another(shape, *last, said) ? nullptr : last;
}

ToolCalls::Call* ToolCalls::find_at(std::uint64_t place) {
  const auto call =
      std::find_if(calls_.rbegin(), calls_.rend(), [place](const Call& one) { return one.place == place; });
  return call == calls_.rend() ? nullptr : &*call;
}

bool ToolCalls::begins_another(const ToolCallShape& shape, const Call& known, const Said& said) {
  // Some servers give each piece of a call another id, but name its tool once.
  if (!said.id.empty() && known.id != 0) return !said.name.empty() || known.input.complete();
  // Some servers name the tool with each piece, and some give neither an id nor an index.
  if (said.name.empty() || known.name == 0 || !comes_in_pieces(shape.form)) return false;
  return hash_or_zero(said.name) != known.name || (known.input.complete() && said.input != nullptr);
}

ToolCalls::Call* ToolCalls::begin(EventSink& sink, const ToolCallShape& shape, const Said& said, std::uint64_t place) {
  if (calls_.size() == kMaxToolCalls) {
    pieces_.hand_on_tool_call(sink, kMaxToolCalls, said.id, said.name);
    return nullptr;
  }
  calls_.push_back({.place = place, .input = {}, .plain = is_plain(shape.form)});
  return &calls_.back();
}

std::uint32_t ToolCalls::number_of(const Call& call) const {
  const auto number = static_cast<std::size_t>(&call - calls_.data());
  CHECK(number < calls_.size());  // a call is no longer valid when another one has begun
  return static_cast<std::uint32_t>(number);
}

// --- What is handed on ----------------------------------------------------------------------------------------------

void ToolCalls::name(EventSink& sink, Call& call, const Said& said) {
  const std::string_view id = call.id == 0 ? said.id : std::string_view();
  const std::string_view name = call.name == 0 ? said.name : std::string_view();
  if (id.empty() && name.empty()) return;
  if (!id.empty()) call.id = hash_or_zero(id);
  if (!name.empty()) call.name = hash_or_zero(name);
  pieces_.hand_on_tool_call(sink, number_of(call), id, name);
}

bool ToolCalls::read_input(EventSink& sink, const ToolCallShape& shape, Call& call, const Value& input) {
  if (input.IsString() && shape.form != ToolInputForm::kMember) {
    const std::string_view text(input.GetString(), input.GetStringLength());
    comes_in_pieces(shape.form) ? add_piece(sink, call, text) : take_whole(sink, call, text);
    return true;
  }
  if (input.IsObject() && input.ObjectEmpty()) return true;  // as without one
  std::optional<std::string> json = written(input);
  if (!json) return false;
  if (shape.form == ToolInputForm::kMember) *json = "{\"" + std::string(shape.input) + "\":" + *json + "}";
  call.input.add(*json);
  pieces_.hand_on_whole_input(sink, *json, number_of(call));
  return true;
}

void ToolCalls::add_piece(EventSink& sink, Call& call, std::string_view text) {
  constexpr AnswerEvent::Kind kKind = AnswerEvent::Kind::kToolInput;
  if (text.empty()) return;
  if (!call.plain) {
    call.input.add(text);
    return pieces_.hand_on_text(sink, kKind, text, number_of(call));
  }
  const std::string quote = call.plain_begun ? "" : "\"";
  call.plain_begun = true;
  pieces_.hand_on_text(sink, kKind, quote + escaped(text), number_of(call));
}

void ToolCalls::take_whole(EventSink& sink, Call& call, std::string_view text) {
  if (call.plain) return pieces_.hand_on_whole_input(sink, "\"" + escaped(text) + "\"", number_of(call));
  if (text.empty()) return;
  call.input.add(text);
  pieces_.hand_on_whole_input(sink, text, number_of(call));
}

void ToolCalls::JsonProgress::add(std::string_view text) {
  for (const char byte : text) {
    if (in_string_) {
      in_string_ = escaped_ || byte != '"';
      escaped_ = !escaped_ && byte == '\\';
    } else if (byte == '"') {
      in_string_ = true;
    } else if (byte == '{' || byte == '[') {
      ++depth_;
    } else if ((byte == '}' || byte == ']') && depth_ > 0) {
      complete_ = --depth_ == 0;
    }
  }
}

}  // namespace streaming
