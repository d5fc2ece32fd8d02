// SPDX-License-Identifier: Apache-2.0
// HookService: a receiver of reports, which takes most of them, and remembers each.
//
// One per hook, on the world's thread. Borrows the Schedule.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "simulation/upstreams/http_service.h"
#include "simulation/random.h"

namespace streaming::simulation {

class HookService final : public HttpService {
 public:
  // What came of a report.
  struct Receipt final : ReplyWatcher {
    std::string body;
    std::string taken_body;  // of the last post that was taken
    int posts = 0;
    int taken = 0;           // of those, answered with a 2xx
    bool acknowledged = false;  // and the head of such an answer was sent

    void on_head_sent() override { acknowledged |= is_good; }
    void on_body_sent(std::size_t) override {}
    void on_whole() override {}
    void on_broken(bool) override {}
    void on_refused() override { --taken; }

    bool is_good = false;  // the answer that is being sent takes it
  };

  // One in `faults` posts is not taken; 0: none.
  HookService(unsigned faults, Random random) : faults_(faults), random_(random) {}

  Reply reply(const ServedRequest& request) override;

  // By webhook-id.
  const std::map<std::string, Receipt>& receipts() const { return receipts_; }
  // Whether a post was no report: without an id, or with a body that differs from the one before.
  const std::string& problem() const { return problem_; }

 private:
  const unsigned faults_;
  Random random_;
  std::map<std::string, Receipt> receipts_;
  std::string problem_;
};

}  // namespace streaming::simulation
