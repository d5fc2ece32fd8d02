// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/upstream_reckoning.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "support/told_answer.h"

namespace streaming::simulation {
namespace {

using End = ReceivedAnswer::End;

// The data of a frame; nothing if it is no event.
std::optional<std::string> data_of(std::string_view frame) {
  std::optional<std::string> data;
  while (!frame.empty()) {
    const std::size_t end = frame.find('\n');
    std::string_view line = frame.substr(0, end);
    frame.remove_prefix(std::min(end, frame.size() - 1) + 1);
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(5);
    if (line.starts_with(' ')) line.remove_prefix(1);
    data = data ? *data + '\n' + std::string(line) : std::string(line);
  }
  return data;
}

std::vector<std::string> data_of_all(const std::vector<std::string>& frames) {
  std::vector<std::string> all;
  for (const std::string& frame : frames) {
    if (std::optional<std::string> data = data_of(frame)) all.push_back(std::move(*data));
  }
  return all;
}

// Whether the events of a client that gets an API's own are that API's, from the beginning or from any place on.
bool are_events_of(const ApiAnswer& answer, const std::vector<std::string>& frames, bool from_anywhere) {
  std::vector<std::string> sent;
  for (const ApiEvent& event : answer.events) {
    if (!event.data.empty()) sent.push_back(event.data);
  }
  const std::vector<std::string> got = data_of_all(frames);
  if (got.size() > sent.size()) return false;
  if (from_anywhere) return std::search(sent.begin(), sent.end(), got.begin(), got.end()) != sent.end() || got.empty();
  return std::equal(got.begin(), got.end(), sent.begin());
}

bool is_same_json(const std::string& one, const std::string& other) {
  rapidjson::Document left, right;
  left.Parse(one.c_str());
  right.Parse(other.c_str());
  return !left.HasParseError() && !right.HasParseError() && left == right;
}

// The calls of a whole answer.
bool are_calls_of(const ApiAnswer& answer, const ReceivedAnswer& received) {
  std::string frames;
  for (const std::string& event : received.events) frames += event;
  const ToldAnswer told = FrameReader().read(frames);
  return std::equal(told.calls.begin(), told.calls.end(), answer.calls.begin(), answer.calls.end(),
                    [](const ToldCall& got, const ApiCall& sent) {
                      return got.id == sent.id && got.name == sent.name && is_same_json(got.input, sent.input);
                    });
}

bool are_calls_of(const ApiAnswer& answer, const std::vector<ApiCall>& reported) {
  return std::equal(reported.begin(), reported.end(), answer.calls.begin(), answer.calls.end(),
                    [](const ApiCall& got, const ApiCall& sent) {
                      return got.id == sent.id && got.name == sent.name && is_same_json(got.input, sent.input);
                    });
}

// What the API has said to its end, or to where it has failed.
bool is_report_of(const ApiAnswer& answer, const Ending& ending, const ReportedAnswer& reported) {
  if (reported.text != answer.text_of(ending) || reported.reasoning != answer.reasoning_of(ending)) return false;
  if (ending.failure) return reported.cause == info(cause_of(*ending.failure)).word;
  // An API that tells no usage may have been asked after another one, whose usage counts then.
  const bool has_usage = reported.usage == ending.usage || ending.usage == Usage();
  return reported.is_completed() && reported.finish_reason == word_of(ending.reason) && has_usage &&
         (!ending.has_calls || are_calls_of(answer, reported.calls));
}

// Why a daemon ends an answer without its API's doing.
bool is_of_daemon(std::string_view code) {
  static constexpr std::string_view kCodes[] = {"first_byte_timeout", "idle_timeout", "too_long",    "shutdown",
                                                "fell_behind",        "stopped",      "over_budget", "attachment"};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

std::string told(const ReceivedAnswer& received, const AnswerForm& form) {
  if (form.format != AnswerFormat::kRaw) return "text \"" + received.text + "\"";
  std::string events = std::to_string(received.events.size()) + " events:\n";
  for (const std::string& event : received.events) events += event;
  return events;
}

}  // namespace

bool UpstreamReckoning::has_right_end(const Attempt& attempt, const AnswerForm& form,
                                      const ReceivedAnswer& received) const {
  const ApiAnswer& answer = attempt.answer();
  const std::vector<Ending> endings = attempt.endings();
  return std::any_of(endings.begin(), endings.end(), [&](const Ending& ending) {
    const std::string text = answer.text_of(ending);
    const bool has_text = form.after > 0 ? text.ends_with(received.text) : text == received.text;
    if (form.format != AnswerFormat::kRaw && !has_text) return false;
    if (!ending.failure) {
      if (received.end != End::kDone) return false;
      if (form.format != AnswerFormat::kUiMessage || form.after > 0) return true;
      return received.reasoning == answer.reasoning_of(ending) && (!ending.has_calls || are_calls_of(answer, received));
    }
    return received.end == End::kError &&
           received.error_code == client_error(cause_of(*ending.failure), ending.status).code;
  });
}

bool UpstreamReckoning::is_explained(const Attempt& attempt, const AnswerForm& form,
                                     const ReceivedAnswer& received) const {
  const ApiAnswer& answer = attempt.answer();
  const bool from_anywhere = form.after > 0;
  if (form.format == AnswerFormat::kRaw) return are_events_of(answer, received.events, from_anywhere);
  // Half a character at the end of an answer that ends early.
  constexpr std::string_view kHalf = "\xEF\xBF\xBD";
  std::string_view text = received.text;
  const auto is_part = [&] { return from_anywhere ? answer.text.find(text) != std::string::npos : answer.text.starts_with(text); };
  if (!is_part() && text.ends_with(kHalf)) text.remove_suffix(kHalf.size());
  if (!is_part()) return false;
  if (received.end != End::kDone && received.end != End::kError) return true;
  if (received.end == End::kError && is_of_daemon(received.error_code)) return true;
  if (attempt.may_be_lost() && received.error_code == "upstream_truncated") return true;
  return has_right_end(attempt, form, received);
}

// The answer has come from one of the attempts. A request that the daemon had given up before may have been on its way for
// a while.
bool UpstreamReckoning::is_asked_again(const std::vector<Attempt*>& attempts, std::size_t answered) const {
  constexpr Duration kLongestWay{3000};
  const std::optional<Time> said = attempts[answered]->said_at();
  return std::any_of(attempts.begin() + static_cast<std::ptrdiff_t>(answered) + 1, attempts.end(), [&](const Attempt* later) {
    return rules_.keeps_order || (said && !later->has_slow_way() && later->begun() > *said + kLongestWay);
  });
}

std::string UpstreamReckoning::check_answer(const std::vector<std::uint64_t>& wishes, const AnswerForm& form,
                                            const ReceivedAnswer& received) const {
  const bool says_nothing = form.format == AnswerFormat::kRaw ? data_of_all(received.events).empty()
                                                              : received.text.empty() && received.reasoning.empty();
  const bool may_be_without_attempt =
      says_nothing && (received.end == End::kNone || received.end == End::kStopped ||
                       (received.end == End::kError &&
                        (is_of_daemon(received.error_code) || received.error_code == "upstream_unreachable")));
  if (may_be_without_attempt) return {};
  std::string tried;
  for (const std::uint64_t wish : wishes) {
    const std::vector<Attempt*>& attempts = record_.attempts(wish);
    // The last one first: little text may be of any of them.
    for (std::size_t next = attempts.size(); next-- > 0;) {
      if (is_explained(*attempts[next], form, received)) {
        const bool is_wrong = !received.text.empty() && is_asked_again(attempts, next);
        return is_wrong ? "an API was asked again when the answer had begun" : std::string();
      }
      tried += "\n  from " + attempts[next]->description();
    }
  }
  // Requests of which nothing tells for whom they were.
  const std::vector<Attempt*>& others = record_.attempts(0);
  if (std::any_of(others.begin(), others.end(),
                  [&](const Attempt* attempt) { return is_explained(*attempt, form, received); })) {
    return {};
  }
  return "no API has sent this: end " + std::to_string(static_cast<int>(received.end)) + " \"" + received.error_code +
         "\", " + told(received, form) + tried;
}

// --- Reports --------------------------------------------------------------------------------------------------------

bool UpstreamReckoning::is_explained(const Attempt& attempt, const ReportedAnswer& reported) const {
  const ApiAnswer& answer = attempt.answer();
  const bool is_of_api = reported.is_completed() || reported.cause.starts_with("upstream_");
  const bool is_lost = attempt.may_be_lost() && !reported.is_completed();
  if (!is_of_api || is_lost) return answer.text.starts_with(reported.text) && answer.reasoning.starts_with(reported.reasoning);
  const std::vector<Ending> endings = attempt.endings();
  return std::any_of(endings.begin(), endings.end(),
                     [&](const Ending& ending) { return is_report_of(answer, ending, reported); });
}

std::string UpstreamReckoning::check_report(std::uint64_t wish, const ReportedAnswer& reported) const {
  const bool says_nothing = reported.text.empty() && reported.reasoning.empty() && !reported.is_completed();
  if (says_nothing && !reported.cause.starts_with("upstream_")) return {};
  if (says_nothing && reported.cause == "upstream_unreachable") return {};
  const std::vector<Attempt*>& attempts = record_.attempts(wish);
  const std::vector<Attempt*>& others = record_.attempts(0);
  const auto explains = [&](const Attempt* attempt) { return is_explained(*attempt, reported); };
  if (std::any_of(attempts.begin(), attempts.end(), explains) || std::any_of(others.begin(), others.end(), explains)) return {};
  std::string what = "no API has sent what is reported: " + reported.cause + " " + reported.finish_reason + ", text \"" +
                     reported.text + "\", reasoning \"" + reported.reasoning + "\", usage " +
                     std::to_string(reported.usage.input_tokens.value_or(0)) + "/" +
                     std::to_string(reported.usage.output_tokens.value_or(0)) + ", calls " + std::to_string(reported.calls.size());
  for (const Attempt* attempt : attempts) what += "\n  from " + attempt->description();
  return what;
}

}  // namespace streaming::simulation
