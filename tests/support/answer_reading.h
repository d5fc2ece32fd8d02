// SPDX-License-Identifier: Apache-2.0
// Reads an answer by one of the readers: from the data of its events, or from the bytes of a body in given pieces.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/event_budget.h"
#include "backends/sse_session.h"
#include "config/config.h"
#include "support/fake_http_client.h"
#include "support/recording_sink.h"

namespace streaming {

// Short names for tests of readers.
using Verdict = AnswerReader::Verdict;
using Kind = AnswerEvent::Kind;
using Event = RecordingSink::Event;

struct AnswerReading {
  Verdict verdict = Verdict::kGoesOn;  // for the last event that was read
  RecordingSink sink;
  bool may_end = false;
  bool may_end_with_body = false;
  FinishReason finish_reason = FinishReason::kOther;
};

// Reads until a verdict other than kGoesOn.
template <typename Reader>
AnswerReading read_events(const std::vector<std::string>& events) {
  Reader reader;
  AnswerReading reading;
  for (std::string data : events) {
    SseEvent event{{}, {}, data};
    reading.verdict = reader.read(event, reading.sink);
    if (reading.verdict != Verdict::kGoesOn) break;
  }
  reading.may_end = reader.may_end();
  reading.may_end_with_body = reader.may_end_with_body();
  reading.finish_reason = reader.finish_reason();
  return reading;
}

// The result of a session whose body arrives in these reads and then ends, regularly if `error` is empty.
template <typename Reader>
RecordingSink read_body(std::string_view error, const std::vector<std::string_view>& reads) {
  FakeHttpClient http;
  RecordingSink sink;
  sink.wants_upstream = true;
  EventBudget events(Config().max_event_bytes);
  SseSession session(http, HttpRequest{}, std::make_unique<Reader>(), events, sink);
  http.receiver->on_head({.status = 200, .content_type = "text/event-stream"});
  for (const std::string_view read : reads) {
    if (http.receiver != nullptr) http.receiver->on_body(read);
  }
  if (http.receiver != nullptr) http.receiver->on_finished(error);
  return sink;
}

}  // namespace streaming
