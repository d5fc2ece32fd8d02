// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/api_service.h"

#include <cctype>
#include <utility>

namespace streaming::simulation {
namespace {

// The path to which a redirect leads has this in front.
constexpr std::string_view kElsewhere = "/elsewhere";

}  // namespace

Reply ApiService::reply(const ServedRequest& request) {
  std::string_view path = request.path;
  while (path.starts_with(kElsewhere)) path.remove_prefix(kElsewhere.size());
  path = path.substr(0, path.find('?'));
  if (path.ends_with("/chat/completions")) return answer(Api::kChat, request);
  if (path.ends_with("/responses")) return answer(Api::kResponses, request);
  if (path.ends_with("/messages")) return answer(Api::kMessages, request);
  if (path.ends_with("/runs/stream")) return answer(Api::kRun, request);
  if (path.ends_with("/threads")) return make_thread(request);
  if (path.ends_with("/cancel")) return cancel_run(request.path);
  return {.status = 404, .body = "no such path: " + request.path};
}

Reply ApiService::answer(Api api, const ServedRequest& request) {
  // What is answered early may end within the number.
  const bool is_cut = !request.body.empty() && std::isdigit(static_cast<unsigned char>(request.body.back())) != 0;
  const std::uint64_t wish = is_cut ? 0 : wish_in(request.body).value_or(0);
  const std::string mark =
      "#" + name_ + "." + std::to_string(wish) + "." + std::to_string(++answers_[wish]) + " ";
  ApiAnswer made = make_answer(api, mark, settings_, random_);
  if (made.redirected_to) {
    made.redirected_to = std::string(kElsewhere) + request.path;
    for (auto& [header, value] : made.headers) {
      if (header == "location") value = *made.redirected_to;
    }
  }
  if (api == Api::kRun && request.path.find("/threads/") != std::string::npos && !random_.one_in(4)) {
    const std::string thread = request.path.substr(0, request.path.rfind("/stream"));
    made.headers.emplace_back("content-location", thread + "/" + std::to_string(++runs_));
  }
  Attempt& attempt = record_.begin(wish, name_, std::move(made), request.mishaps);
  const ApiAnswer& answer = attempt.answer();
  return {.status = answer.status, .headers = answer.headers, .body = answer.body, .watcher = &attempt};
}

Reply ApiService::make_thread(const ServedRequest& request) {
  const int status = settings_.faults > 0 && random_.one_in(2 * settings_.faults)
                         ? random_.pick({401, 409, 422, 500, 503})
                         : random_.pick({200, 200, 201});
  ApiAnswer made{.api = Api::kRun, .status = status, .headers = {{"content-type", "application/json"}}};
  made.body = random_.pick({R"({"thread_id":"t","metadata":{}})", ""});
  if (status / 100 != 2 && status != 409) made.by_head = FailureKind::kStatus;
  Attempt& attempt = record_.begin(0, name_, std::move(made), request.mishaps);
  return {.status = status, .headers = attempt.answer().headers, .body = attempt.answer().body, .watcher = &attempt};
}

Reply ApiService::cancel_run(const std::string& path) {
  record_.on_run_cancelled(path);
  return {.status = random_.pick({200, 202, 204, 404, 409}), .body = ""};
}

}  // namespace streaming::simulation
