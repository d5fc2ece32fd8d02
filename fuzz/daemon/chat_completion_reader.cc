// SPDX-License-Identifier: Apache-2.0
// A chunk of the API's answer: text that is UTF-8, or none.

#include "backends/json_fields.h"
#include "backends/openai/chat_completion_reader.h"
#include "fuzz/property.h"
#include "tests/support/recording_sink.h"

namespace streaming {
namespace {

using Verdict = AnswerReader::Verdict;

struct Reading {
  Verdict verdict;
  RecordingSink sink;
};

Reading read(std::string data) {
  ChatCompletionReader reader;
  Reading reading{};
  SseEvent event{{}, {}, data};
  reading.verdict = reader.read(event, reading.sink);
  return reading;
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const std::string event(fuzz::text(data, size));
  const Reading reading = read(event);
  const std::string text = reading.sink.all_text();
  MUST(fuzz::is_utf8(text));
  MUST(text.size() <= kReplacement.size() * event.size());

  // Around a chunk there may be white space and nothing else.
  const bool is_chunk = reading.verdict == Verdict::kGoesOn || reading.verdict == Verdict::kReported;
  if (is_chunk && !says_nothing(event) && event.find('\0') == std::string::npos) {
    MUST(read(" \n" + event + "\r\t").sink.all_text() == text);
    MUST(read(event + "{}").verdict == Verdict::kMalformed);
  }
  return 0;
}
