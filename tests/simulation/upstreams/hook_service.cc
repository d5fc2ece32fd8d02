// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/hook_service.h"

#include <rapidjson/document.h>

namespace streaming::simulation {

Reply HookService::reply(const ServedRequest& request) {
  const auto id = request.headers.find("webhook-id");
  if (id == request.headers.end() || !request.headers.contains("webhook-signature")) {
    problem_ = "a post without an id or a signature: " + request.path;
    return {.status = 400};
  }
  Receipt& receipt = receipts_[id->second];
  ++receipt.posts;
  rapidjson::Document report;
  report.Parse(request.body.data(), request.body.size());
  // What is answered early may not have come.
  const bool is_whole = !report.HasParseError() && report.IsObject();
  if (is_whole) receipt.body = request.body;
  receipt.is_good = is_whole && (faults_ == 0 || !random_.one_in(faults_));
  if (receipt.is_good) {
    ++receipt.taken;
    receipt.taken_body = request.body;
    return {.status = random_.pick({200, 201, 202, 204}), .body = random_.pick({"", "ok"}), .watcher = &receipt};
  }
  return {.status = random_.pick({400, 401, 404, 410, 429, 500, 502, 503}),
          .headers = {{"retry-after", "1"}},
          .body = "no",
          .watcher = &receipt};
}

}  // namespace streaming::simulation
