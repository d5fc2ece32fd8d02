// SPDX-License-Identifier: Apache-2.0
// HookService: a receiver of reports, which takes most of them, is gone at times, and remembers each post.
//
// One per hook, on the world's thread. Borrows the Schedule.

#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/clock.h"
#include "simulation/peer.h"
#include "simulation/random.h"
#include "simulation/upstreams/http_service.h"

namespace streaming::simulation {

// A report that came, once.
class HookPost final : public ReplyWatcher {
 public:
  HookPost(const Schedule& schedule, std::string id, Duration begun, const Mishaps& mishaps)
      : schedule_(schedule), id_(std::move(id)), begun_(begun), mishaps_(mishaps), came_(schedule.now()) {}

  const std::string& id() const { return id_; }      // webhook-id
  const std::string& body() const { return body_; }  // empty: it was answered before it had come
  Time came() const { return came_; }
  bool was_taken() const { return is_good_ && !body_.empty(); }
  // The daemon must know that it was: the answer left in time, and nothing has held it up or lost it.
  bool was_surely_taken(Duration timeout) const {
    return was_taken() && answered_ && !is_broken_ && took_ < timeout && !mishaps_.dies && !mishaps_.is_slow;
  }

  void take(std::string body, bool is_good) {
    body_ = std::move(body);
    is_good_ = is_good;
  }
  void on_head_sent() override;
  void on_body_sent(std::size_t) override {}
  void on_whole() override {}
  void on_broken(bool loses_sent) override { is_broken_ = is_broken_ || loses_sent || !answered_; }
  void on_refused() override {}

 private:
  const Schedule& schedule_;
  const std::string id_;
  const Duration begun_;  // when the daemon began to send it, by its own clock; in whole seconds
  const Mishaps mishaps_;
  const Time came_;
  std::string body_;
  bool is_good_ = false;
  bool answered_ = false;
  bool is_broken_ = false;
  Duration took_{0};  // until the answer's head was sent, and at most a second more
};

class HookService final : public HttpService {
 public:
  // One in `faults` posts is not taken; 0: none. With faults it is gone at times, too.
  HookService(unsigned faults, const Schedule& schedule, Random random);

  Reply reply(const ServedRequest& request) override;

  // Nobody listens now.
  bool is_gone() const;
  // From now on it takes all that comes.
  void recover() { has_recovered_ = true; }
  bool has_recovered() const { return has_recovered_; }

  // In their order.
  const std::deque<HookPost>& posts() const { return posts_; }
  // Whether a post was no report; empty: none.
  const std::string& problem() const { return problem_; }

 private:
  const unsigned faults_;
  const Schedule& schedule_;
  Random random_;
  Time gone_from_{};
  Time gone_until_{};
  bool has_recovered_ = false;
  std::deque<HookPost> posts_;
  std::string problem_;
};

}  // namespace streaming::simulation
