// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/report_reckoning.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "simulation/upstreams/upstream_record.h"

namespace streaming::simulation {
namespace {

using End = ReceivedAnswer::End;
using Json = rapidjson::Value;

// Of a hook.
constexpr Duration kQuickAnswer{1000};

constexpr std::string_view kHalfACharacter = "\xEF\xBF\xBD";

std::string text_of(const Json& json, const char* name) {
  const auto found = json.FindMember(name);
  const bool is_text = found != json.MemberEnd() && found->value.IsString();
  return is_text ? std::string(found->value.GetString(), found->value.GetStringLength()) : std::string();
}

std::string json_of(const Json& value) {
  rapidjson::StringBuffer text;
  rapidjson::Writer<rapidjson::StringBuffer> writer(text);
  value.Accept(writer);
  return {text.GetString(), text.GetSize()};
}

Usage::Count count_of(const Json& usage, const char* name) {
  const auto found = usage.FindMember(name);
  return found != usage.MemberEnd() && found->value.IsUint64() ? Usage::Count(found->value.GetUint64()) : std::nullopt;
}

ReportedAnswer answer_in(const Json& report) {
  ReportedAnswer answer{.cause = text_of(report, "cause"),
                        .text = text_of(report, "text"),
                        .reasoning = text_of(report, "reasoning"),
                        .calls = {},
                        .finish_reason = text_of(report, "finish_reason"),
                        .usage = {}};
  if (const auto calls = report.FindMember("tool_calls"); calls != report.MemberEnd() && calls->value.IsArray()) {
    for (const Json& call : calls->value.GetArray()) {
      const bool is_json = call.HasMember("input");
      answer.calls.push_back(
          {text_of(call, "id"), text_of(call, "name"), is_json ? json_of(call["input"]) : text_of(call, "input_text")});
    }
  }
  if (const auto usage = report.FindMember("usage"); usage != report.MemberEnd() && usage->value.IsObject()) {
    answer.usage = {.input_tokens = count_of(usage->value, "input_tokens"),
                    .output_tokens = count_of(usage->value, "output_tokens"),
                    .cached_tokens = count_of(usage->value, "cached_tokens"),
                    .reasoning_tokens = count_of(usage->value, "reasoning_tokens")};
  }
  return answer;
}

// The wish that a text is the answer to, by its beginning; nothing if it is too short to show that.
std::optional<std::uint64_t> begun_by(std::string_view text, bool is_of_api) {
  const std::string_view before = is_of_api ? "." : "wish ";
  const std::size_t begin = text.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + before.size());
  std::uint64_t wish = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wish);
  const bool is_whole = error == std::errc() && end != text.data() + text.size();
  return is_whole ? std::optional(wish) : std::nullopt;
}

// Without the member that is only known later, perhaps.
std::string_view without_client(std::string_view body) {
  constexpr std::string_view kKnown = "{\"client_has_end\":";
  if (!body.starts_with(kKnown)) return body.substr(std::min<std::size_t>(body.size(), 1));
  return body.substr(std::min(body.find(','), body.size() - 1) + 1);
}

// The daemon itself has ended the client's answer, and the answer may have had another end.
bool is_by_daemon(std::string_view code) {
  static constexpr std::string_view kCodes[] = {"first_byte_timeout", "idle_timeout", "too_long",
                                                "shutdown",           "fell_behind",  "over_budget"};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

// The end that the client was told is the report's.
bool is_same_end(const ReceivedAnswer& got, const std::string& cause) {
  if (got.end == End::kDone) return cause == "completed";
  if (got.end == End::kStopped) return cause == "stopped";
  if (got.error_code.empty()) return cause == "upstream_reported";  // in the API's own words
  const bool is_by_status = got.error_code == kUpstreamRefused.code || got.error_code == kUpstreamBusy.code ||
                            got.error_code == kUpstreamFailed.code;
  return cause == (is_by_status ? "upstream_status" : got.error_code);
}

// The client waited for the answer's own end: the disk had the report before.
bool has_end_of_answer(const ReceivedAnswer& got) {
  return got.end == End::kDone || (got.end == End::kError && !is_by_daemon(got.error_code));
}

}  // namespace

// --- Reports --------------------------------------------------------------------------------------------------------

void ReportReckoning::read_posts() {
  for (const HookPost& post : witness_.hook->posts()) {
    if (!post.body().empty()) read(post);
  }
}

void ReportReckoning::read(const HookPost& post) {
  rapidjson::Document report;
  report.Parse(post.body().data(), post.body().size());
  const auto data = report.FindMember("data");
  const bool has_wish = data != report.MemberEnd() && data->value.IsObject() && data->value.HasMember("wish") &&
                        data->value["wish"].IsUint64();
  const auto asker = has_wish ? askers_.find(data->value["wish"].GetUint64()) : askers_.end();
  if (asker == askers_.end()) {
    violations_.push_back("a report that nobody has asked for: " + post.body().substr(0, 500));
    return;
  }
  Reported read{.id = post.id(), .body = post.body(), .answer = answer_in(report), .client_has_end = {}};
  if (const auto known = report.FindMember("client_has_end"); known != report.MemberEnd()) {
    read.client_has_end = known->value.IsTrue();
  }
  check_fields(*asker->second, read.body);
  std::vector<Reported>& all = reports_[asker->first];
  const auto before = std::find_if(all.begin(), all.end(), [&](const Reported& other) { return other.id == read.id; });
  if (before == all.end()) {
    all.push_back(std::move(read));
    if (all.size() > 1) complain(*asker->second, "is reported as two answers");
    return;
  }
  const bool is_same = without_client(before->body) == without_client(read.body);
  if (!is_same && !may_differ(*asker->second, *before, read)) complain(*asker->second, "another report of the same id: " + before->body + " and " + read.body);
  if (before->is_cut()) *before = std::move(read);
}

// A report that nobody waits for may be sent before the disk has it, or when the disk does not take it. If the daemon ends
// then, the next one finds an answer that was cut.
bool ReportReckoning::may_differ(const Visit& asker, const Reported& one, const Reported& other) const {
  if (one.is_cut() == other.is_cut()) return false;
  const std::string& cause = one.is_cut() ? other.answer.cause : one.answer.cause;
  const bool waits_for_disk = cause == "completed" || cause.starts_with("upstream_");
  const DaemonHistory& history = *witness_.history;
  return history.disk_has_failed_since(asker.came) || (history.was_killed_since(asker.came) && !waits_for_disk);
}

void ReportReckoning::check_fields(const Visit& visit, const std::string& body) {
  rapidjson::Document report, data;
  report.Parse(body.data(), body.size());
  data.Parse(visit.wish.report_data.data(), visit.wish.report_data.size());
  const bool is_its = text_of(report, "type") == "answer.ended" && text_of(report, "answer_id") == visit.wish.answer_id &&
                      text_of(report, "request_id") == visit.wish.request_id &&
                      text_of(report, "user_id") == visit.wish.user && text_of(report, "backend") == visit.wish.backend &&
                      report["data"] == data;
  if (!is_its) complain(visit, "is reported as another one: " + body.substr(0, 500));
}

// What the model has said.
void ReportReckoning::check_source(const Visit& visit, const Reported& reported) {
  if (visit.wish.form.is_of_api) {
    const std::string problem =
        upstreams_ == nullptr ? "" : upstreams_->check_report(*wish_in(visit.wish.prompt), reported.answer);
    if (!problem.empty()) complain(visit, problem);
    return;
  }
  const std::string whole = visit.wish.backend == "mock" ? mock_text(visit.wish.prompt) : std::string();
  const std::string& text = reported.answer.text;
  const bool is_right = reported.answer.is_completed() ? text == whole : whole.starts_with(text);
  if (!is_right) complain(visit, "another text is reported: " + reported.body);
}

// --- Answers --------------------------------------------------------------------------------------------------------

const ReportReckoning::Reported* ReportReckoning::report_for(const Visit& asker) const {
  const auto found = reports_.find(*wish_in(asker.wish.prompt));
  return found == reports_.end() ? nullptr : &found->second.front();
}

// Without a journal, what was not delivered when a daemon ended; with one, what the disk did not have.
bool ReportReckoning::may_be_lost(const Visit& asker, bool client_has_end) const {
  const DaemonHistory& history = *witness_.history;
  if (!history.has_ended_since(asker.came)) return false;
  if (!history.has_journal() || history.disk_has_failed_since(asker.came)) return true;
  return history.was_killed_since(asker.came) && !client_has_end;
}

void ReportReckoning::check_asker(const Visit& visit) {
  const Got got = got_by(visit);
  const Reported* const reported = report_for(visit);
  const bool is_kept = !visit.wish.answer_id.empty();
  const bool is_refused = got.is_refused || visit.handoff->verdict() == Handoff::Verdict::kRefused;
  if (reported != nullptr && is_refused) return complain(visit, "was refused, and is reported: " + reported->body);
  if (reported != nullptr) check_source(visit, *reported);
  const DaemonHistory& history = *witness_.history;
  const bool may_be_cut = history.was_killed_since(visit.came) || history.disk_has_failed_since(visit.came);
  if (reported != nullptr && reported->is_cut() && !may_be_cut) complain(visit, "is reported as cut, and no daemon was killed");
  const bool was_asked = upstreams_ != nullptr && upstreams_->was_asked(*wish_in(visit.wish.prompt));
  const bool has_begun = was_asked || (got.has_begun && !is_kept);
  if (reported == nullptr && has_begun && !may_be_lost(visit, false)) complain(visit, "has an answer, and is not reported");
}

ReportReckoning::Got ReportReckoning::got_by(const Visit& visit) const {
  Got got;
  const HttpResponse response = visit.client().wire().response();
  if (response.status == 200) {
    got.has_begun = true;
    got.answer = read_answer(response.body, visit.wish.form);
    if (broke_off_with_daemon(visit, got.answer, *witness_.history)) got.answer.end = End::kNone;
  } else if (response.status != 0 && response.is_whole) {
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    const std::string code = json.IsObject() ? text_of(json, "code") : std::string();
    got.is_refused = code == "refused" || code.empty();
    got.has_begun = got.is_error = !got.is_refused;
    got.answer.end = got.is_refused ? End::kNone : End::kError;
    got.answer.error_code = code;
  }
  return got;
}

const Visit* ReportReckoning::asker_of(const Visit& client, const Got& got) const {
  const std::optional<std::uint64_t> wish = client.wish.answer_id.empty()
                                                ? wish_in(client.wish.prompt)
                                                : begun_by(got.answer.text, client.wish.form.is_of_api);
  const auto found = wish ? askers_.find(*wish) : askers_.end();
  return found == askers_.end() ? nullptr : found->second;
}

void ReportReckoning::check_client(const Visit& client, const Got& got) {
  const bool says_nothing = got.answer.text.empty() && !client.wish.answer_id.empty();
  if (!got.has_begun || client.wish.form.after > 0 || says_nothing) return;
  const Visit* const asker = asker_of(client, got);
  if (asker == nullptr) return;
  const Reported* const reported = report_for(*asker);
  if (reported != nullptr) return compare(client, got, *asker, *reported);
  if (!may_be_lost(*asker, has_end_of_answer(got.answer))) {
    complain(*asker, "is not reported, and visit " + std::to_string(client.number) + " has got its answer");
  }
}

void ReportReckoning::compare(const Visit& client, const Got& got, const Visit& asker, const Reported& reported) {
  const auto differs = [&](std::string_view what) {
    complain(asker, std::string(what) + "; visit " + std::to_string(client.number) + " got end " +
                        std::to_string(static_cast<int>(got.answer.end)) + " \"" + got.answer.error_code + "\", \"" +
                        got.answer.text + "\"; reported: " + reported.body);
  };
  const bool has_end = has_end_of_answer(got.answer);
  if (reported.is_cut()) {
    if (has_end && !witness_.history->disk_has_failed_since(asker.came)) differs("is reported as cut, and a client has its end");
  } else if (has_end && !is_same_end(got.answer, reported.answer.cause)) {
    differs("is reported with another end");
  }
  // The answer may have ended before the stop, and have waited for the disk.
  const bool ended_before = got.answer.end == End::kStopped && got.answer.text == reported.answer.text;
  if (got.answer.end == End::kStopped && !reported.is_cut() && !ended_before && reported.answer.cause != "stopped") {
    differs("is reported with another end, and was stopped");
  }
  const bool has_text = client.wish.form.format != AnswerFormat::kRaw || !client.wish.form.is_of_api;
  if (!has_text) return;
  std::string_view text = got.answer.text;
  const std::string& told = reported.answer.text;
  // In place of a text that was not sent yet, the client has got an error.
  if (has_end && !got.is_error && !reported.is_cut() && text != told) return differs("is reported with another text");
  if (!told.starts_with(text) && text.ends_with(kHalfACharacter)) text.remove_suffix(kHalfACharacter.size());
  if (!told.starts_with(text) && !(reported.is_cut() && text.starts_with(told))) differs("is reported with another text");
}

// --- All together ---------------------------------------------------------------------------------------------------

// A report that was taken comes again only if the daemon cannot know that it was.
void ReportReckoning::check_repetitions() {
  std::map<std::string_view, const HookPost*> taken;
  for (const HookPost& post : witness_.hook->posts()) {
    const auto before = taken.find(post.id());
    if (before != taken.end()) {
      const DaemonHistory& history = *witness_.history;
      const Time since = before->second->came();
      // The daemon may have ended before a slow answer came.
      const bool was_slow = !before->second->was_surely_taken(kQuickAnswer);
      const bool may_be_forgotten =
          history.has_ended_since(since) &&
          (was_slow || history.was_killed_since(since) || history.disk_has_failed_since(since));
      if (!may_be_forgotten) {
        violations_.push_back("report " + post.id() + ", which was taken at " + std::to_string(since.time_since_epoch().count()) +
                              " ms, comes again at " + std::to_string(post.came().time_since_epoch().count()) + " ms: " +
                              post.body());
      }
    }
    if (post.was_surely_taken(witness_.sure_patience)) taken.emplace(post.id(), &post);
  }
}

// What the disk had when a daemon was killed comes, whatever was lost besides.
void ReportReckoning::check_promises() {
  std::map<std::string_view, std::vector<const HookPost*>> posts;
  for (const HookPost& post : witness_.hook->posts()) posts[post.id()].push_back(&post);
  for (const PromisedReport& promised : witness_.history->promised()) {
    if (witness_.history->disk_has_failed_since(promised.since)) continue;
    rapidjson::Document wanted;
    wanted.Parse(promised.body.data(), promised.body.size());
    const bool is_kept = std::any_of(posts[promised.id].begin(), posts[promised.id].end(), [&](const HookPost* post) {
      rapidjson::Document report;
      report.Parse(post->body().data(), post->body().size());
      if (!report.IsObject()) return false;
      if (!promised.was_running) return without_client(post->body()) == without_client(promised.body);
      return text_of(report, "text").starts_with(text_of(wanted, "text")) &&
             text_of(report, "reasoning").starts_with(text_of(wanted, "reasoning"));
    });
    if (!is_kept) violations_.push_back("a report that the disk had does not come: " + promised.id + " " + promised.body);
  }
}

std::vector<std::string> ReportReckoning::violations() {
  for (const Visit* visit : visits_) {
    if (!visit->wish.hook.empty()) askers_.emplace(*wish_in(visit->wish.prompt), visit);
  }
  read_posts();
  for (const auto& [wish, visit] : askers_) check_asker(*visit);
  for (const Visit* visit : visits_) {
    const bool wants_answer = !visit->wish.prompt.empty() || !visit->wish.answer_id.empty();
    if (visit->client().was_handed_over() && wants_answer) check_client(*visit, got_by(*visit));
  }
  check_repetitions();
  check_promises();
  return std::move(violations_);
}

}  // namespace streaming::simulation
