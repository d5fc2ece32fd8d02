// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/upstreams.h"

#include <set>
#include <string_view>
#include <utility>

#include "simulation/upstreams/http1_server.h"
#include "simulation/upstreams/http2_server.h"

namespace streaming::simulation {
namespace {

// A request is sent in parts, and each of them may take its time.
UpstreamRules rules_of(const Faults& faults) {
  return {.keeps_order = faults.slow_link.one_in == 0 && faults.split_arrival.one_in == 0 &&
                         faults.short_send.one_in == 0 && faults.full_socket.one_in == 0 && faults.stall.one_in == 0};
}

}  // namespace

Upstreams::Upstreams(Kernel& kernel, Random random)
    : kernel_(kernel),
      random_(random),
      record_(kernel.scheduler),
      manners_(draw_manners()),
      scripts_{.max_event_bytes = 8 * 1024, .faults = random_.one_in(4) ? 0 : random_.pick({2u, 4u, 10u})},
      openai_("o", scripts_, record_, random_.fork()),
      anthropic_("a", scripts_, record_, random_.fork()),
      langgraph_("l", scripts_, record_, random_.fork()),
      hook_(random_.pick({0u, 2u, 6u}), kernel.scheduler, random_.fork()) {
}

// Each world has some faults and not the others.
ServerManners Upstreams::draw_manners() {
  const auto rate = [this](unsigned usual) { return random_.one_in(2) ? 0 : usual; };
  return {.cuts = rate(6), .stalls = rate(12), .slow = rate(4), .early = rate(8), .dead = rate(12), .mischief = rate(3)};
}

std::string Upstreams::serve(const std::string& address, HttpService& service, bool by_http2) {
  kernel_.serve(address + ":80", [this, &service, by_http2]() -> std::unique_ptr<Peer> {
    if (by_http2) return std::make_unique<Http2Server>(service, kernel_.scheduler, manners_, random_.fork());
    return std::make_unique<Http1Server>(service, kernel_.scheduler, manners_, random_.fork());
  });
  return "http://" + address;
}

void Upstreams::serve_hook() {
  kernel_.serve("10.0.0.9:80", [this]() -> std::unique_ptr<Peer> {
    if (hook_.is_gone()) return nullptr;
    constexpr ServerManners kGood{.cuts = 0, .stalls = 0, .slow = 0, .early = 0, .dead = 0, .mischief = 0};
    return std::make_unique<Http1Server>(hook_, kernel_.scheduler, hook_.has_recovered() ? kGood : manners_, random_.fork());
  });
}

// With a journal some reports are given up before.
void Upstreams::on_clients_gone() {
  const bool is_late = kernel_.history.has_journal() && hook_.is_gone() && random_.one_in(4);
  kernel_.scheduler.after(is_late ? std::chrono::hours(48) : Duration(0), [this] { hook_.recover(); });
}

void Upstreams::settle(Config& config) {
  config.openai_h2c = random_.one_in(2);
  config.openai_api = random_.pick({"chat", "responses"});
  config.openai_api_base = serve("10.0.0.1", openai_, config.openai_h2c) + "/v1";
  config.openai_api_key = "key";
  config.anthropic_api_base = serve("10.0.0.2", anthropic_, false);
  config.anthropic_api_key = "key";
  config.langgraph_h2c = random_.one_in(2);
  config.langgraph_api_base = serve("10.0.0.3", langgraph_, config.langgraph_h2c);
  config.langgraph_stream_mode = {random_.pick({"messages-tuple", "messages"})};
  serve_hook();
  config.hooks[kHook] = {{"url", "http://10.0.0.9/done"}};
  config.hook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  config.hook_timeout = some_ms(random_, 500, 10'000);
  config.max_event_bytes = static_cast<std::int64_t>(scripts_.max_event_bytes);
  config.first_byte_timeout = random_.one_in(4) ? some_ms(random_, 50, 1000) : some_ms(random_, 1000, 30'000);
  config.idle_timeout = random_.one_in(4) ? some_ms(random_, 50, 1000) : some_ms(random_, 1000, 60'000);
  config.max_stream_duration = some_ms(random_, 5000, 300'000);
  if (random_.one_in(3)) config.retries = static_cast<std::int64_t>(random_.between(1, 3));
  if (random_.one_in(3)) config.fallback = {random_.pick({"openai", "anthropic", "langgraph"})};
  if (random_.one_in(2)) config.try_timeout = some_ms(random_, 200, 5000);
  reckoning_ = std::make_unique<UpstreamReckoning>(record_, rules_of(kernel_.faults));
}

std::string Upstreams::complaint() const {
  count_answers();
  count_reports();
  return hook_.problem().empty() ? std::string() : "the hook: " + hook_.problem();
}

void Upstreams::count_reports() const {
  std::set<std::string_view> known;
  for (const HookPost& post : hook_.posts()) {
    const bool is_cut = post.body().find(R"("cause":"cut")") != std::string::npos;
    kernel_.coverage.count("report", post.was_taken() ? "taken" : "not taken");
    if (is_cut) kernel_.coverage.count("report", "of a cut answer");
    if (!known.insert(post.id()).second) kernel_.coverage.count("report", "once more");
  }
}

void Upstreams::count_answers() const {
  for (const auto& [wish, attempts] : record_.by_wish()) {
    for (const Attempt* attempt : attempts) count_answer(*attempt);
  }
}

void Upstreams::count_answer(const Attempt& attempt) const {
  const ApiAnswer& answer = attempt.answer();
  const std::string_view api = kApiNames[static_cast<std::size_t>(answer.api)];
  Coverage& coverage = kernel_.coverage;
  coverage.count(api, kBodyEndNames[static_cast<std::size_t>(attempt.end())]);
  if (answer.by_head) coverage.count(api, kRefusingHead);
  if (answer.redirected_to) coverage.count(api, kRedirect);
  for (const ApiEvent& event : answer.events) {
    if (event.end > attempt.sent()) break;
    coverage.count(api, kMeaningNames[static_cast<std::size_t>(event.meaning)]);
    if (event.cuts_text || event.cuts_reasoning) coverage.count(api, kHalfCharacter);
  }
}

}  // namespace streaming::simulation
