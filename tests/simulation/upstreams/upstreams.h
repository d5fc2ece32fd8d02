// SPDX-License-Identifier: Apache-2.0
// Upstreams: the servers of LLM APIs and the receiver of reports of a simulated world, each at an address of its own.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "simulation/upstreams/api_service.h"
#include "simulation/upstreams/hook_service.h"
#include "simulation/world/inhabitants.h"
#include "simulation/random.h"
#include "simulation/upstreams/upstream_reckoning.h"
#include "simulation/upstreams/upstream_record.h"

namespace streaming::simulation {

class Upstreams final : public Inhabitants {
 public:
  Upstreams(Kernel& kernel, Random random);

  void settle(Config& config) override;
  void begin() override {}
  // They wait for nobody.
  std::size_t waiting() const override { return 0; }
  void on_clients_gone() override;
  std::string complaint() const override;

  // The backends that have an API here.
  static std::vector<std::string> backends() { return {"openai", "anthropic", "langgraph"}; }
  static constexpr char kHook[] = "done";
  // Names for the coverage, besides those of what an answer is made of.
  static constexpr std::string_view kRefusingHead = "a head that is the answer's end";
  static constexpr std::string_view kRedirect = "a redirect";
  static constexpr std::string_view kHalfCharacter = "half a character";
  // After settle().
  const UpstreamReckoning& reckoning() const { return *reckoning_; }
  const HookService& hook() const { return hook_; }

 private:
  void serve_hook();
  // Serves at this address, by HTTP/2 if `by_http2`, and returns the URL.
  std::string serve(const std::string& address, HttpService& service, bool by_http2);
  ServerManners draw_manners();
  void count_answers() const;
  void count_answer(const Attempt& attempt) const;
  void count_reports() const;

  Kernel& kernel_;
  Random random_;
  UpstreamRecord record_;
  const ServerManners manners_;
  const ScriptSettings scripts_;
  ApiService openai_;
  ApiService anthropic_;
  ApiService langgraph_;
  HookService hook_;
  std::unique_ptr<UpstreamReckoning> reckoning_;
};

}  // namespace streaming::simulation
