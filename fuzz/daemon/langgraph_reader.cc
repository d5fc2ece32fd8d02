// SPDX-License-Identifier: Apache-2.0
// The events of a LangGraph run: text that is UTF-8, or none; what is accumulated says the same as its pieces; and as
// the frames of a UI message all that is begun is ended once.

#include "backends/langgraph/langgraph_reader.h"
#include "fuzz/property.h"
#include "tests/support/recording_sink.h"
#include "tests/support/told_answer.h"

namespace streaming {
namespace {

using Verdict = AnswerReader::Verdict;

struct Reading {
  Verdict verdict;
  RecordingSink sink;
};

Verdict feed(LangGraphReader& reader, EventSink& sink, std::string_view type, std::string data) {
  SseEvent event{type, {}, data};
  return reader.read(event, sink);
}

Reading read(std::string_view type, const std::string& data) {
  LangGraphReader reader;
  Reading reading{};
  reading.verdict = feed(reader, reading.sink, type, data);
  return reading;
}

void check_texts(const RecordingSink& sink) {
  for (const RecordingSink::Event& event : sink.events) {
    MUST(fuzz::is_utf8(event.text));
    MUST(fuzz::is_utf8(event.id));
    MUST(fuzz::is_utf8(event.name));
  }
}

}  // namespace
}  // namespace streaming

// An event's type, a line feed, its data.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace streaming;
  const std::string_view input = fuzz::text(bytes, size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view type = input.substr(0, line);
  const std::string data(input.substr(std::min(line + 1, input.size())));

  const Reading reading = read(type, data);
  check_texts(reading.sink);
  MUST(reading.sink.ends == 0 && !reading.sink.failure);
  if (reading.verdict != Verdict::kGoesOn) return 0;

  // White space around an event changes nothing.
  if (data.find('\0') == std::string::npos) MUST(read(type, " \n" + data + "\r\t").sink.events == reading.sink.events);

  // What was handed on once is not handed on again.
  LangGraphReader reader;
  RecordingSink once;
  RecordingSink again;
  MUST(feed(reader, once, type, data) == Verdict::kGoesOn);
  const Verdict verdict = feed(reader, again, type, data);
  check_texts(again);
  if (type.starts_with("messages/") && verdict == Verdict::kGoesOn)
    MUST(again.all_text().size() <= once.all_text().size());

  LangGraphReader writer;
  WritingSink frames;
  for (int i = 0; i < 2; ++i) feed(writer, frames, type, data);
  writer.finish(frames);
  frames.on_end(FinishReason::kStop);
  MUST(FrameReader().read(frames.out.view()).mistake.empty());

  // A place in a path.
  const std::string path = LangGraphReader::run_path_of(input);
  MUST(path.empty() || (path.starts_with("/threads/") && path.find_first_of("?#%.\\ \r\n") == std::string::npos));
  return 0;
}
