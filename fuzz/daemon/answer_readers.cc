// SPDX-License-Identifier: Apache-2.0
// The events of an answer, a line each, as each of the APIs' readers takes them: texts that are UTF-8, or none; and as
// the frames of a UI message, in which all that is begun is ended once.

#include "backends/anthropic/messages_reader.h"
#include "backends/openai/chat_completion_reader.h"
#include "backends/openai/responses_reader.h"
#include "fuzz/property.h"
#include "tests/support/recording_sink.h"
#include "tests/support/told_answer.h"

namespace streaming {
namespace {

using Kind = AnswerEvent::Kind;

template <typename Reader>
void read(std::string_view lines, EventSink& sink) {
  Reader reader;
  AnswerReader::Verdict verdict = AnswerReader::Verdict::kGoesOn;
  for (std::string_view rest = lines; verdict == AnswerReader::Verdict::kGoesOn && !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string data(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    SseEvent event{{}, {}, data};
    verdict = reader.read(event, sink);
  }
  if (verdict != AnswerReader::Verdict::kMalformed) reader.finish(sink);
}

template <typename Reader>
void must_hand_on_text(std::string_view lines) {
  RecordingSink sink;
  read<Reader>(lines, sink);
  std::size_t bytes = 0;
  for (const RecordingSink::Event& event : sink.events) {
    MUST(event.kind != Kind::kUpstream && event.kind != Kind::kProgress);
    MUST(event.text.empty() == (event.kind == Kind::kToolCall || event.kind == Kind::kMended));
    MUST(event.kind != Kind::kToolCall || !event.id.empty() || !event.name.empty());
    for (const std::string& text : {event.text, event.id, event.name}) {
      MUST(fuzz::is_utf8(text));
    }
    if (event.kind == Kind::kText || event.kind == Kind::kReasoning) bytes += event.text.size();
  }
  MUST(bytes <= kReplacement.size() * lines.size());

  WritingSink frames;
  read<Reader>(lines, frames);
  frames.on_end(FinishReason::kStop);
  MUST(FrameReader().read(frames.out.view()).mistake.empty());
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  must_hand_on_text<ChatCompletionReader>(fuzz::text(data, size));
  must_hand_on_text<ResponsesReader>(fuzz::text(data, size));
  must_hand_on_text<MessagesReader>(fuzz::text(data, size));
  return 0;
}
