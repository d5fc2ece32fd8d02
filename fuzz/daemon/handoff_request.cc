// SPDX-License-Identifier: Apache-2.0
// A hand-off's payload: parsed or refused, the same each time; what comes of it cannot break the head of an answer, and
// is the same when a request to an API is read in turn.

#include "base/json_input.h"
#include "handoff/handoff_request.h"

#include <algorithm>
#include <cmath>

#include "answers/answer_report.h"
#include "answers/limits.h"
#include "backends/openai/chat_completion_request.h"
#include "fuzz/property.h"
#include "protocol/handoff_protocol.h"
#include "sse/response_head.h"

namespace streaming {
namespace {

// Lines and nothing else, up to the one empty line; one of each header by which the daemon frames the stream.
void must_be_one_head(std::string_view head, bool chunked) {
  static constexpr std::string_view kEnd = "\r\n\r\n:\n\n";
  MUST(head.starts_with("HTTP/1.1 200 OK\r\n"));
  MUST(head.ends_with(kEnd));
  head.remove_suffix(kEnd.size() - 2);
  head.remove_prefix(head.find('\n') + 1);
  int framing = 0;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    MUST(end != std::string_view::npos);
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    MUST(colon != std::string_view::npos && is_header_name(line.substr(0, colon)));
    MUST(
        std::none_of(line.begin(), line.end(), [](char byte) { return byte == '\r' || byte == '\n' || byte == '\0'; }));
    for (const char* own : {"Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Cache-Control"}) {
      framing += same_header_name(line.substr(0, colon), own);
    }
    head.remove_prefix(end + 2);
  }
  MUST(framing == (chunked ? 4 : 3));
}

// The request to the API is a payload that can be read in turn, and brings the same conversation.
void must_pass_on(HandoffRequest& request) {
  request.request = nullptr;
  const std::string body = chat_completion_request(request, "standard");
  MUST(fuzz::is_utf8(body));
  HandoffRequestParser parser;
  const auto parsed = parser.parse(body);
  if (!parsed.ok()) {
    MUST(parsed.error().message.find("nested deeper") != std::string::npos);  // one level more than the payload
    return;
  }
  const HandoffRequest* read = parsed->get();
  MUST(read->model == (request.model.empty() ? "standard" : request.model));
  MUST(read->max_tokens == request.max_tokens);
  MUST(read->temperature.has_value() == request.temperature.has_value());
  // RapidJSON is off by a few units in the last place, unless it is told to take longer.
  if (const double sent = request.temperature.value_or(0); sent != 0) {
    MUST(std::abs(*read->temperature / sent - 1) < 1e-12);
  }
  const rapidjson::SizeType messages = request.messages == nullptr ? 1 : request.messages->Size();
  MUST(read->messages->Size() == messages + (request.system.empty() ? 0 : 1));
  if (request.messages == nullptr) MUST(read->last_user_text() == request.prompt);
}

// The report of its answer is JSON, with the data that was given for it.
void must_be_reported(const HandoffRequest& request) {
  ByteBudget budget(kMaxRecordBytes);
  const std::string report = whole_report(begin_report(request, "mock", request.model, WallTime()), AnswerRecord(budget),
                                          {.cause = kCutCause});
  rapidjson::Document json;
  json.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag>(report.data(), report.size());
  MUST(!json.HasParseError() && json.IsObject());
  MUST(json.HasMember("data") == !request.on_end_data.empty());
  MUST(json.HasMember("user_id") == !request.user_id.empty());
}

void must_be_sound(HandoffRequest& request) {
  for (const std::string_view text : {request.prompt, request.system, request.model, request.backend,
                                      request.request_id, request.test_pattern, request.last_user_text(),
                                      request.after}) {
    MUST(fuzz::is_utf8(text));
  }
  MUST(fuzz::is_utf8(request.user_id));
  MUST(is_header_value(request.test_pattern));
  MUST(request.answer_id.find_first_of("/ \"\n") == std::string_view::npos);
  MUST(!request.answer_id.empty() || request.action == AnswerAction::kAsk);
  MUST(request.max_tokens.value_or(1) > 0);
  MUST(request.messages == nullptr || request.messages->IsArray());
  for (const HeaderField& header : request.response_headers) {
    MUST(fuzz::is_utf8(header.name) && fuzz::is_utf8(header.value));
  }
  Buffer head;
  append_stream_head(
      head, {.date = "", .chunked = request.apache.takes_chunks(), .own = {}, .others = request.response_headers});
  must_be_one_head(head.view(), request.apache.takes_chunks());
  must_be_reported(request);
  must_pass_on(request);
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  static HandoffRequestParser used_before;  // as a worker's
  const std::string_view payload = fuzz::text(data, size);
  const auto parsed = used_before.parse(payload);
  HandoffRequestParser fresh;
  const auto same = fresh.parse(payload);
  MUST(same.ok() == parsed.ok());
  if (!parsed.ok()) {
    MUST(!parsed.error().message.empty() && parsed.error().message == same.error().message);
    MUST(is_header_value(parsed.error().message));
    return 0;
  }
  HandoffRequest& request = **parsed;
  MUST((*same)->prompt == request.prompt && (*same)->response_headers.size() == request.response_headers.size());
  const bool has_json = size != 1 || payload.front() != handoff_protocol::kNoPayload;
  MUST(!has_json || (fuzz::is_utf8(payload) && payload.find('\0') == std::string_view::npos));
  MUST(!has_json || fuzz::depth_of(payload) <= kMaxJsonDepth);
  must_be_sound(request);
  return 0;
}
