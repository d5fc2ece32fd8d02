// SPDX-License-Identifier: Apache-2.0
// A complete answer of each API as bytes on the wire. All have the same contents: the text kTextOfBodies, then a call
// of the tool "f" with the input {"content":"x"}; 2 tokens in, 4 out.

#pragma once

namespace streaming {

inline constexpr char kTextOfBodies[] = "Hé 漢 😀 \"q\" \\ 😀";

inline constexpr char kChatBody[] =
    R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

: a comment

data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm \u00e9"}}]}

data: {"choices":[{"index":0,"delta":{"content":"H\u00e9 漢 \ud83d"}}]}

data: {"choices":[{"index":1,"delta":{"content":"another answer"}},{"index":0,"delta":{"content":"\ude00 \"q\" \\ 😀"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c1","function":{"name":"f","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"content\":\"x\"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":4}}

data: [DONE]

)";

inline constexpr char kResponsesBody[] = R"(event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"r"}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":0,"delta":"H\u00e9 漢 \ud83d"}

event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":0,"delta":"\ude00 \"q\" \\ 😀"}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":1,
data:  "item":{"type":"function_call","call_id":"c1","name":"f"}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"content\":\"x\"}"}

event: response.completed
data: {"type":"response.completed","response":{"usage":{"input_tokens":2,"output_tokens":4}}}

)";

inline constexpr char kMessagesBody[] = R"(event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":2,"output_tokens":1}}}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"H\u00e9 漢 \ud83d"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\ude00 \"q\" \\ 😀"}}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"c1","name":"f"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,
data:  "delta":{"type":"input_json_delta","partial_json":"{\"content\":\"x\"}"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":4}}

event: message_stop
data: {"type":"message_stop"}

)";

inline constexpr char kRunBody[] = R"(event: metadata
data: {"run_id":"r","attempt":1}

event: messages
data: [{"type":"AIMessageChunk","id":"m","content":"","additional_kwargs":{"reasoning_content":"hm \u00e9"}},{}]

event: messages
data: [{"type":"AIMessageChunk","id":"m","content":"H\u00e9 漢 \ud83d"},{"langgraph_node":"model"}]

event: custom
data: {"content":"no text"}

event: messages|child:1
data: [{"type":"AIMessageChunk","id":"m","content":"\ude00 \"q\" \\ 😀","tool_call_chunks":[]},{}]

event: messages
data: [{"type":"AIMessageChunk","id":"m","content":"",
data:   "tool_call_chunks":[{"name":"f","args":"","id":"c1","index":0}]},{}]

event: messages
data: [{"type":"AIMessageChunk","id":"m","tool_call_chunks":[{"name":null,"args":"{\"content\":\"x\"}","index":0}]},{}]

event: messages
data: [{"type":"AIMessageChunk","id":"m","content":"","usage_metadata":{"input_tokens":2,"output_tokens":4},
data:   "response_metadata":{"finish_reason":"tool_calls"}},{}]

event: end
data: null

)";

}  // namespace streaming
