// SPDX-License-Identifier: Apache-2.0
// ToolCalls: an answer's calls of the client's tools. It finds out to which of them an object in an API's event belongs,
// and what that adds to the call.
//
// A call has a number in the answer (AnswerEvent::index), an id, a name and an input. Servers send these in any order
// and in any number of events; the sink gets each as soon as it is known, id and name once. If the input comes in
// pieces, a whole one that comes besides is ignored; of several whole ones the last takes precedence.
//
// One per answer, owned by its reader, which lends its AnswerPieces.

#pragma once

#include <rapidjson/document.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "backends/answer_pieces.h"
#include "backends/backend.h"

namespace streaming {

// --- The table: what a tool call is in each API ---------------------------------------------------------------------

// What the value of the member `input` is. A value that is no text is always the whole input, as JSON.
enum class ToolInputForm : std::uint8_t {
  kPieces,       // text: the next piece of the JSON
  kWhole,        // text: the JSON
  kPlainPieces,  // text for a tool that takes no JSON, and which becomes a JSON string: the next piece
  kPlainWhole,   // text for such a tool: the whole
  kMember,       // becomes the only member of an object, by its name
};

// What belongs to a call that is known.
enum class ToolCallKey : std::uint8_t {
  kPlace,      // what is said at the call's place, unless another id, or its name once more, begins the next call there
  kIdOrPlace,  // first what has the call's id, wherever it stands; then as kPlace
  kIdOrItem,   // first what has the call's id; then all that is said at its place, which is one item's
};

// An object that begins a call, or adds to one.
struct ToolCallShape {
  const char* type;      // the object's member "type" must be; null: it has none
  const char* id;        // the member with the call's id; null: there are no ids
  const char* inside;    // the member in which name and input stand; null: the object itself
  const char* name;      // the member with the tool's name; null: `own_name`
  const char* own_name;  // how a tool is called that the API itself has, and the client carries out
  const char* input;     // null: the object itself is the input
  ToolInputForm form;
  ToolCallKey key;
};

// For the client all calls end with the answer: only then it is sure that their tools are to be called.

// Chat Completions
//   begins, continues  choices[].delta.tool_calls[], by `index` (0 if there is none); delta.function_call, of which an
//                      answer has one
//   is named by        `id`; the name in `function` or `custom`; each in any piece
//   has input from     `arguments`: pieces of JSON, or an object; `input` of custom tools: pieces of text
//   ends               with the finish reason
inline constexpr ToolCallShape kChatToolCalls[] = {
    // type, id, inside, name, own name, input, form, key
    {nullptr, "id", "function", "name", nullptr, "arguments", ToolInputForm::kPieces, ToolCallKey::kPlace},
    {nullptr, "id", "custom", "name", nullptr, "input", ToolInputForm::kPlainPieces, ToolCallKey::kPlace},
};
inline constexpr ToolCallShape kChatFunctionCall = {
    nullptr, nullptr, nullptr, "name", nullptr, "arguments", ToolInputForm::kPieces, ToolCallKey::kPlace};

// Responses
//   begins, continues  the item of response.output_item.added (the first two types) or .done, by `output_index`; an
//                      item of the last event's response.output, if no call has begun before
//   is named by        `call_id`; `name`, or the API's own name for the tool
//   has input from     response.function_call_arguments.delta and .done, response.custom_tool_call_input.delta and
//                      .done, and each of the items
//   ends               with the item's .done
inline constexpr ToolCallShape kResponsesBegunItems[] = {
    {"function_call", "call_id", nullptr, "name", nullptr, "arguments", ToolInputForm::kWhole, ToolCallKey::kIdOrItem},
    {"custom_tool_call", "call_id", nullptr, "name", nullptr, "input", ToolInputForm::kPlainWhole,
     ToolCallKey::kIdOrItem},
};
inline constexpr ToolCallShape kResponsesWholeItems[] = {
    {"local_shell_call", "call_id", nullptr, nullptr, "local_shell", "action", ToolInputForm::kMember,
     ToolCallKey::kIdOrItem},
    {"shell_call", "call_id", nullptr, nullptr, "shell", "action", ToolInputForm::kMember, ToolCallKey::kIdOrItem},
    {"apply_patch_call", "call_id", nullptr, nullptr, "apply_patch", "operation", ToolInputForm::kMember,
     ToolCallKey::kIdOrItem},
    {"tool_search_call", "call_id", nullptr, nullptr, "tool_search", "arguments", ToolInputForm::kMember,
     ToolCallKey::kIdOrItem},
    {"mcp_approval_request", "id", nullptr, nullptr, "mcp_approval_request", nullptr, ToolInputForm::kWhole,
     ToolCallKey::kIdOrItem},
};

// Messages
//   begins             content_block of content_block_start, by `index`; a block of message_start's message.content, by
//                      its position
//   continues          content_block_delta, by `index`
//   is named by        `id`; `name`
//   has input from     delta.partial_json: pieces of JSON; else the block's `input`, an object
//   ends               with content_block_stop
inline constexpr ToolCallShape kMessagesBlock = {
    "tool_use", "id", nullptr, "name", nullptr, "input", ToolInputForm::kWhole, ToolCallKey::kPlace};

// LangGraph
//   begins, continues  a message's tool_call_chunks[], by the message and `index`, a number or "lc_..."; without such
//                      an index each chunk with a name or an id begins a call. Else its tool_calls[], by their position
//   is named by        `id`; `name`
//   has input from     a chunk's `args`: pieces of JSON; a call's `args`: an object, as far as it has come. In
//                      messages/partial both are accumulated: the last holds
//   ends               with the run
inline constexpr ToolCallShape kLangGraphChunk = {
    nullptr, "id", nullptr, "name", nullptr, "args", ToolInputForm::kPieces, ToolCallKey::kIdOrPlace};
inline constexpr ToolCallShape kLangGraphCall = {
    nullptr, "id", nullptr, "name", nullptr, "args", ToolInputForm::kWhole, ToolCallKey::kIdOrPlace};
inline constexpr ToolCallShape kLangGraphWholeChunk = {
    nullptr, "id", nullptr, "name", nullptr, "args", ToolInputForm::kWhole, ToolCallKey::kIdOrPlace};

// The first whose type, or whose member `inside`, the object has; null if there is none.
const ToolCallShape* find_shape(std::span<const ToolCallShape> shapes, const rapidjson::Value& object);

// --- The calls of an answer -----------------------------------------------------------------------------------------

class ToolCalls {
 public:
  explicit ToolCalls(AnswerPieces& pieces) : pieces_(pieces) {}

  // Takes what an object has of the call at `place`. False if its input is nested too deep. A call over kMaxToolCalls
  // is handed on with that number, and not kept: a sink that needs all calls must give up.
  [[nodiscard]] bool read(EventSink& sink, const ToolCallShape& shape, const rapidjson::Value& object,
                          std::uint64_t place);

  // Takes an event's input for the call at `place`, if there is such a call: the next piece, or all of it.
  void add_input(EventSink& sink, std::uint64_t place, std::string_view text);
  void take_whole_input(EventSink& sink, std::uint64_t place, std::string_view text);

  // The answer is whole.
  void finish(EventSink& sink);

  bool empty() const { return calls_.empty(); }
  bool knows(std::string_view id) const;

 private:
  // Finds the end of a JSON text that comes in pieces: after the bracket that closes its first one.
  class JsonProgress {
   public:
    void add(std::string_view text);
    bool complete() const { return complete_; }

   private:
    std::uint32_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
    bool complete_ = false;
  };

  struct Call {
    std::uint64_t place;
    std::size_t id = 0;    // a hash; 0: not known yet
    std::size_t name = 0;  // likewise
    JsonProgress input;
    bool plain = false;        // the input is text, to become a JSON string
    bool plain_begun = false;  // that string's first quotation mark is handed on
  };

  // What an object says.
  struct Said {
    std::string_view id;
    std::string_view name;
    const rapidjson::Value* input;
  };
  static Said said_by(const ToolCallShape& shape, const rapidjson::Value& object);

  // Null where there is none.
  Call* find(const ToolCallShape& shape, const Said& said, std::uint64_t place);
  Call* find_at(std::uint64_t place);  // the last there
  // Whether what is sent at the place of a known call belongs to another one.
  static bool begins_another(const ToolCallShape& shape, const Call& known, const Said& said);
  // Null if there are kMaxToolCalls.
  Call* begin(EventSink& sink, const ToolCallShape& shape, const Said& said, std::uint64_t place);
  void name(EventSink& sink, Call& call, const Said& said);
  [[nodiscard]] bool read_input(EventSink& sink, const ToolCallShape& shape, Call& call, const rapidjson::Value& input);
  void add_piece(EventSink& sink, Call& call, std::string_view text);
  void take_whole(EventSink& sink, Call& call, std::string_view text);
  std::uint32_t number_of(const Call& call) const;

  AnswerPieces& pieces_;
  std::vector<Call> calls_;  // each at its number
};

}  // namespace streaming
