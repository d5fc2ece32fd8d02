// SPDX-License-Identifier: Apache-2.0
// What each client of a Visits has got, and whether it should have.
#include <rapidjson/document.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "simulation/clients/report_reckoning.h"
#include "simulation/clients/visits.h"

namespace streaming::simulation {
namespace {

using End = ReceivedAnswer::End;
using Mischief = Visit::Mischief;

// The hand-off brings nobody whom the daemon may answer.
bool is_without_client(const Visit& visit) {
  switch (visit.mischief) {
    case Mischief::kThreeDescriptors:
    case Mischief::kBrokenPart:
      return true;
    default:
      return visit.handoff->verdict() == Handoff::Verdict::kRefused;
  }
}

// Nothing arrives any more, or later than a daemon waits for.
bool has_bad_way(const Visitor& client) {
  return client.mishaps().dies || client.mishaps().is_slow;
}

bool must_be_refused(const Visit& visit) {
  switch (visit.mischief) {
    case Mischief::kNoPayloadFile:
    case Mischief::kUnsealedPayload:
    case Mischief::kMessageTooLarge:
    case Mischief::kPayloadTwice:
      return true;
    default:
      return visit.wish.must_be_refused;
  }
}

}  // namespace

void Visits::complain(const Visit& visit, std::string_view what) {
  violations_.push_back(visit.description() + ": " + std::string(what));
}

// Who does not wait for the end, or cannot understand it, may miss it.
bool Visits::may_get_no_end(const Visit& visit) const {
  const Visitor& client = visit.client();
  return (has_bad_way(client) && !client.has_end_of_file()) || client.has_left_early() || client.may_be_given_up() ||
         client.wire().may_break_off() || visit.was_killed() || visit.mischief == Mischief::kBrokenTlsState;
}

std::vector<std::string> Visits::violations() {
  violations_.clear();
  outcomes_.clear();
  for (const auto& visit : visits_) {
    if (visit->is_over()) ++outcomes_[reckon(*visit)];
  }
  check_ledgers();
  if (settings_.reports) check_reports();
  return violations_;
}

std::string_view Visits::reckon(const Visit& visit) {
  const Visitor& client = visit.client();
  const Handoff& handoff = *visit.handoff;
  if (!handoff.problem().empty()) complain(visit, handoff.problem());
  if (client.has_given_up() && !has_bad_way(client)) complain(visit, "has waited for ever");
  const bool is_known_status =
      std::count(visit.wish.statuses.begin(), visit.wish.statuses.end(), handoff.refused_with()) > 0;
  if (handoff.refused_with() != 0 && visit.mischief == Mischief::kNone && !is_known_status) {
    complain(visit, "was refused with " + std::to_string(handoff.refused_with()));
  }
  if (!client.was_handed_over())
    return handoff.verdict() == Handoff::Verdict::kRefused ? "refused before its client" : "no client";
  if (is_without_client(visit)) {
    if (client.received_bytes() > 0) complain(visit, "got an answer, although it is Apache's");
    return "refused by Apache";
  }
  if (visit.mischief == Mischief::kBrokenTlsState) return "of no TLS connection";
  if (std::string problem = client.wire().problem(); !problem.empty()) complain(visit, problem);
  const HttpResponse response = client.wire().response();
  if (!response.problem.empty()) complain(visit, response.problem);
  if (response.status == 0) {
    const bool is_the_daemons = handoff.verdict() == Handoff::Verdict::kAccepted ||
                                (handoff.has_left_client_behind() && visit.mischief == Mischief::kNone);
    const bool was_dropped = client.mishaps().was_dropped || handoff.mishaps().was_dropped;
    if (is_the_daemons && !was_dropped && !may_get_no_end(visit)) complain(visit, "is the daemon's and got no answer");
    return client.received_bytes() > 0 ? "a cut head" : "nothing";
  }
  return response.status == 200 ? reckon_answer(visit, response) : reckon_refusal(visit, response);
}

std::string_view Visits::reckon_answer(const Visit& visit, const HttpResponse& response) {
  const Visitor& client = visit.client();
  if (must_be_refused(visit)) complain(visit, "got an answer, and not a refusal");
  if (response.header("content-type") != "text/event-stream")
    complain(visit, "no event stream: " + std::string(response.header("content-type")));
  const bool is_chunked = response.header("transfer-encoding") == "chunked";
  if (is_chunked != (visit.wish.takes_chunks && !client.wire().is_http2())) complain(visit, "chunks, or none");
  const ReceivedAnswer answer = read_answer(response.body, visit.wish.form);
  if (!answer.problem.empty()) complain(visit, answer.problem);
  check_text(visit, answer);
  const bool has_connections_end =
      client.wire().is_over_tls() ? client.wire().has_clean_end() : client.has_end_of_file();
  const bool has_end_of_bytes = response.is_delimited ? response.is_whole : has_connections_end;
  const bool needs_sign = !visit.wish.form.is_of_api || visit.wish.form.format != AnswerFormat::kRaw;
  if (response.is_delimited && response.is_whole && answer.end == End::kNone && needs_sign) {
    complain(visit, "the response ends, and not the answer");
  }
  const bool has_end = has_end_of_bytes && (answer.end != End::kNone || !needs_sign);
  if (!has_end && !may_get_no_end(visit)) complain(visit, "the answer breaks off: " + answer.cut);
  const bool waits_for_close_notify = client.has_end_of_file() && !client.has_left_early();
  // HTTP/2 has END_STREAM for that.
  const bool ends_by_close_notify = client.wire().is_over_tls() && !client.wire().is_http2();
  if (ends_by_close_notify && client.wire().has_clean_end() && !has_end)
    complain(visit, "close_notify ends a cut answer");
  if (has_end && waits_for_close_notify && !client.wire().has_clean_end() && !may_get_no_end(visit))
    complain(visit, "no close_notify");
  if (!has_end) return "cut";
  return answer.end == End::kError ? "an error event" : answer.end == End::kStopped ? "stopped" : "a whole answer";
}

std::string_view Visits::reckon_refusal(const Visit& visit, const HttpResponse& response) {
  const std::vector<int>& statuses = visit.wish.statuses;
  const bool is_known = visit.mischief != Mischief::kNone ||
                        std::count(statuses.begin(), statuses.end(), response.status) > 0 || response.status == 502 ||
                        response.status == 504 || (response.status == 429 && visit.wish.form.is_of_api);
  if (!is_known) complain(visit, "was answered with " + std::to_string(response.status) + ": " + response.body);
  if (!response.is_whole) {
    if (!may_get_no_end(visit)) complain(visit, "the refusal breaks off");
    return "a cut refusal";
  }
  if (response.status == 204) return "no content";
  rapidjson::Document json;
  json.Parse<rapidjson::kParseValidateEncodingFlag>(response.body.data(), response.body.size());
  if (!json.IsObject() || !json.HasMember("error") || !json.HasMember("code"))
    complain(visit, "no refusal: " + response.body);
  if (!response.header("retry-after").empty() != (json.IsObject() && json.HasMember("retry_after"))) {
    complain(visit, "Retry-After in the head or in the body alone");
  }
  return "refused by the daemon";
}

// --- Texts ----------------------------------------------------------------------------------------------------------

void Visits::check_text_of_api(const Visit& visit, const ReceivedAnswer& answer,
                               const std::vector<std::string>& prompts) {
  if (settings_.upstreams == nullptr) return;
  std::vector<std::uint64_t> wishes;
  for (const std::string& prompt : prompts) {
    if (const std::optional<std::uint64_t> wish = wish_in(prompt)) wishes.push_back(*wish);
  }
  const bool has_own_end = !settings_.reports || !broke_off_with_daemon(visit, answer, *settings_.reports->history);
  ReceivedAnswer told = answer;
  if (!has_own_end) told.end = End::kNone;
  const std::string problem = settings_.upstreams->check_answer(wishes, visit.wish.form, told);
  if (!problem.empty()) complain(visit, problem);
}

void Visits::check_text(const Visit& visit, const ReceivedAnswer& answer) {
  const Wish& wish = visit.wish;
  std::vector<std::string> prompts{wish.prompt};
  if (const KnownAnswer* known = wishes_.answer(wish.answer_id)) prompts = known->prompts;
  if (wish.form.is_of_api) return check_text_of_api(visit, answer, prompts);
  if (wish.backend != "mock") return;
  const bool is_right = std::any_of(prompts.begin(), prompts.end(), [&](const std::string& prompt) {
    const std::string whole = mock_text(prompt);
    if (wish.form.after > 0)
      return answer.end == End::kDone ? whole.ends_with(answer.text) : whole.find(answer.text) != std::string::npos;
    return answer.end == End::kDone ? whole == answer.text : whole.starts_with(answer.text);
  });
  if (!is_right) complain(visit, "another text: " + answer.text);
}

void Visits::check_ledgers() {
  using Entry = std::tuple<std::string, std::uint32_t, ReceivedAnswer, const Visit*>;
  std::vector<Entry> entries;
  for (const auto& visit : visits_) {
    const Visitor& client = visit->client();
    if (visit->wish.answer_id.empty() || !client.was_handed_over() || is_without_client(*visit) ||
        visit->mischief == Mischief::kBrokenTlsState)
      continue;
    const HttpResponse response = client.wire().response();
    if (response.status != 200) continue;
    entries.emplace_back(visit->wish.answer_id, visit->wish.form.after, read_answer(response.body, visit->wish.form),
                         visit.get());
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& one, const Entry& other) {
    return std::tie(std::get<0>(one), std::get<1>(one)) < std::tie(std::get<0>(other), std::get<1>(other));
  });
  std::map<std::string, AnswerLedger> ledgers;
  for (const auto& [id, after, answer, visit] : entries) {
    AnswerLedger& ledger = ledgers[id];
    const bool may_have_own_ids = visit->wish.form.format == AnswerFormat::kRaw && visit->wish.form.is_of_api;
    const std::optional<std::uint32_t> number =
        may_have_own_ids && after > 0 ? ledger.number_of(std::to_string(after)) : after;
    if (!number) continue;
    ledger.add(*number, answer);
    const KnownAnswer* known = wishes_.answer(id);
    if (known == nullptr || ledger.answers() <= known->prompts.size()) continue;
    complain(*visit, "got other bytes than others of its answer: " + ledger.difference());
  }
}

void Visits::check_reports() {
  ReportReckoning reckoning(*settings_.reports, settings_.upstreams);
  for (const auto& visit : visits_) {
    if (visit->is_over()) reckoning.add(*visit);
  }
  for (std::string& what : reckoning.violations()) violations_.push_back(std::move(what));
}

}  // namespace streaming::simulation
