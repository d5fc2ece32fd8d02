// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/api_scripts.h"

#include <string>
#include <utility>

#include "simulation/upstreams/api_writers.h"

namespace streaming::simulation {
namespace {

enum class Fault : std::uint8_t {
  kErrorEvent,
  kBrokenEvent,
  kHugeEvent,
  kEndsEarly,
  kStatus,
  kRedirect,
  kForeignRedirect,
  kNoEventStream,
  kCompressed,
};

EventScript write_answer(Api api, const AnswerPlan& plan, Random& random) {
  EventScript script(api, random);
  switch (api) {
    case Api::kChat:
      write_chat(plan, script);
      break;
    case Api::kResponses:
      write_response(plan, script);
      break;
    case Api::kMessages:
      write_message(plan, script);
      break;
    case Api::kRun:
      write_run(plan, script);
      break;
  }
  return script;
}

void spoil(EventScript& script, Api api, Fault fault, std::size_t max_event_bytes, Random& random) {
  const std::size_t from = random.below(script.events());
  if (fault == Fault::kErrorEvent) {
    const BadEvent bad = error_event(api, random);
    script.replace_rest(from, bad.type, bad.data, Meaning::kReported);
  } else if (fault == Fault::kBrokenEvent) {
    script.replace_rest(from, script.message_type(), broken_data(api, random), Meaning::kMalformed);
  } else if (fault == Fault::kHugeEvent) {
    script.replace_rest(from, "", "{\"x\":\"" + std::string(max_event_bytes, 'x') + "\"}", Meaning::kTooLarge);
  } else if (fault == Fault::kEndsEarly) {
    script.drop_rest(from);
  }
}

// An answer whose status or head decides.
void set_status(ApiAnswer& answer, int status, Random& random) {
  answer.status = status;
  answer.by_head = FailureKind::kStatus;
  answer.headers = {{"content-type", random.pick({"application/json", "text/html", "text/event-stream"})}};
  answer.body = random.pick({R"({"error":{"message":"no","type":"x","code":null}})", "<html>no</html>", "",
                             "data: {\"error\":{}}\n\n"});
  if (random.one_in(8)) answer.body.append(100'000, ' ');
  if (status != 429 && status != 503) return;
  if (random.one_in(2)) {
    answer.headers.emplace_back("retry-after", random.pick({"1", "3", "0", "600", "1.5", "-1", "soon",
                                                            "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999999999"}));
  }
  if (random.one_in(4)) answer.headers.emplace_back("retry-after-ms", random.pick({"250", "2500", "x"}));
}

void set_head(ApiAnswer& answer, Fault fault, Random& random) {
  switch (fault) {
    case Fault::kStatus:
      return set_status(answer,
                        random.pick({400, 401, 403, 404, 408, 409, 413, 422, 429, 429, 500, 502, 503, 504, 529}), random);
    case Fault::kRedirect:
      set_status(answer, random.pick({307, 308}), random);
      answer.redirected_to = "/elsewhere";
      answer.headers.emplace_back("location", *answer.redirected_to);
      return;
    case Fault::kForeignRedirect:
      set_status(answer, random.pick({301, 302, 303, 307, 308}), random);
      answer.headers.emplace_back("location", random.pick({"http://10.9.9.9/", "https://10.0.0.1/", "//10.9.9.9/x"}));
      return;
    case Fault::kNoEventStream:
      answer.by_head = FailureKind::kMalformed;
      answer.status = 200;
      answer.headers = {{"content-type", random.pick({"text/html; charset=utf-8", "application/json"})}};
      return;
    case Fault::kCompressed:
      answer.by_head = FailureKind::kCompressed;
      answer.headers.emplace_back("content-encoding", random.pick({"gzip", "br", "zstd"}));
      return;
    default:
      return;
  }
}

}  // namespace

ApiAnswer make_answer(Api api, std::string_view mark, const ScriptSettings& settings, Random& random) {
  constexpr std::size_t kPiecesPerEvent = 4;
  const AnswerPlan plan = plan_answer(mark, settings.max_event_bytes / kPiecesPerEvent, random);
  EventScript script = write_answer(api, plan, random);
  const bool is_bad = settings.faults > 0 && random.one_in(settings.faults);
  const auto fault = static_cast<Fault>(random.below(static_cast<std::uint64_t>(Fault::kCompressed) + 1));
  if (is_bad) spoil(script, api, fault, settings.max_event_bytes, random);
  ApiAnswer answer = script.finish(settings.max_event_bytes);
  if (!random.one_in(8)) {
    answer.headers.emplace_back("content-type", random.pick({"text/event-stream", "text/event-stream; charset=utf-8",
                                                             "Text/Event-Stream", "text/plain"}));
  }
  if (random.one_in(16)) {
    answer.status = random.pick({201, 202});
    answer.headers = {{"content-type", "text/event-stream"}};
  }
  if (is_bad) set_head(answer, fault, random);
  return answer;
}

}  // namespace streaming::simulation
