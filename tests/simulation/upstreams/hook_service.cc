// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/hook_service.h"

#include <rapidjson/document.h>

#include <charconv>

namespace streaming::simulation {
namespace {

// By the world's clock.
Duration time_in(const std::string& timestamp) {
  std::int64_t seconds = 0;
  std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  return std::chrono::seconds(seconds) - kClockOfDaysAhead;
}

bool is_report(const std::string& body) {
  rapidjson::Document report;
  report.Parse<rapidjson::kParseValidateEncodingFlag>(body.data(), body.size());
  return !report.HasParseError() && report.IsObject();
}

}  // namespace

void HookPost::on_head_sent() {
  answered_ = true;
  took_ = schedule_.now().time_since_epoch() - begun_;
}

HookService::HookService(unsigned faults, const Schedule& schedule, Random random)
    : faults_(faults), schedule_(schedule), random_(random) {
  if (faults_ == 0 || random_.one_in(2)) return;
  gone_from_ = schedule.now() + Duration(random_.below(8'000));
  // A few are gone until they recover.
  gone_until_ = gone_from_ + Duration(random_.one_in(4) ? 1'000'000'000 : random_.between(500, 60'000));
}

bool HookService::is_gone() const {
  return !has_recovered_ && schedule_.now() >= gone_from_ && schedule_.now() < gone_until_;
}

Reply HookService::reply(const ServedRequest& request) {
  const auto id = request.headers.find("webhook-id");
  const auto timestamp = request.headers.find("webhook-timestamp");
  if (id == request.headers.end() || timestamp == request.headers.end() || !request.headers.contains("webhook-signature")) {
    problem_ = "a post without an id, a time or a signature: " + request.path;
    return {.status = 400};
  }
  HookPost& post = posts_.emplace_back(schedule_, id->second, time_in(timestamp->second), request.mishaps);
  // What is answered early may not have come.
  const bool is_whole = is_report(request.body);
  const bool is_good = is_whole && (faults_ == 0 || has_recovered_ || !random_.one_in(faults_));
  if (is_whole) post.take(request.body, is_good);
  if (is_good) return {.status = random_.pick({200, 201, 202, 204}), .body = random_.pick({"", "ok"}), .watcher = &post};
  return {.status = random_.pick({301, 400, 401, 404, 410, 429, 500, 502, 503}),
          .headers = {{"retry-after", "1"}},
          .body = "no",
          .watcher = &post};
}

}  // namespace streaming::simulation
