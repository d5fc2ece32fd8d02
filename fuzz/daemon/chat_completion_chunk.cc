// A chunk of the API's answer: text that lies in the event's data, or none.

#include "backends/chat_completion.h"
#include "fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  using Kind = ChatCompletionChunk::Kind;
  const std::string_view event = fuzz::text(data, size);
  std::string buffer(event);
  const ChatCompletionChunk chunk = parse_chat_completion_chunk(buffer);
  MUST(fuzz::lies_in(chunk.text, buffer));
  MUST(fuzz::is_utf8(chunk.text));
  MUST(chunk.kind == Kind::kDelta || (chunk.text.empty() && !chunk.finished));
  // What ends the stream is never taken for a part of it.
  MUST(!is_chat_completion_end(event) || chunk.kind == Kind::kMalformed);

  std::string other_buffer(event);
  const ChatCompletionChunk same = parse_chat_completion_chunk(other_buffer);
  MUST(same.kind == chunk.kind && same.text == chunk.text && same.finished == chunk.finished);

  // Around a chunk there may be white space and nothing else.
  if (chunk.kind != Kind::kMalformed && event.find('\0') == std::string_view::npos) {
    std::string spaced = " \n" + std::string(event) + "\r\t";
    MUST(parse_chat_completion_chunk(spaced).text == chunk.text);
    std::string twice = std::string(event) + "{}";
    MUST(parse_chat_completion_chunk(twice).kind == Kind::kMalformed);
  }
  return 0;
}
