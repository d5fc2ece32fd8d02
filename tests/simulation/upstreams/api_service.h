// SPDX-License-Identifier: Apache-2.0
// ApiService: the LLM APIs of one simulated server: Chat Completions, Responses, Messages and LangGraph, by their paths.
//
// One per server, on the world's thread. Borrows the record.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "simulation/upstreams/api_scripts.h"
#include "simulation/upstreams/http_service.h"
#include "simulation/random.h"
#include "simulation/upstreams/upstream_record.h"

namespace streaming::simulation {

class ApiService final : public HttpService {
 public:
  // `name`: of the server, in marks and in the record.
  ApiService(std::string name, const ScriptSettings& settings, UpstreamRecord& record, Random random)
      : name_(std::move(name)), settings_(settings), record_(record), random_(random) {}

  Reply reply(const ServedRequest& request) override;

 private:
  Reply answer(Api api, const ServedRequest& request);
  Reply make_thread(const ServedRequest& request);
  Reply cancel_run(const std::string& path);

  const std::string name_;
  const ScriptSettings settings_;
  UpstreamRecord& record_;
  Random random_;
  std::map<std::uint64_t, int> answers_;  // by wish
  int runs_ = 0;
};

}  // namespace streaming::simulation
