// SPDX-License-Identifier: Apache-2.0
// UpstreamRecord: what LLM APIs were asked in a simulated run, and what they have made of it: so that it can be said which
// answers a client may have got, and which requests should not have been made.
//
// One per World, on its thread; it outlives the servers.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "simulation/upstreams/api_answer.h"
#include "simulation/upstreams/http_service.h"
#include "simulation/peer.h"

namespace streaming::simulation {

// The number of the wish whose prompt a request's body holds ("wish 17"); nothing if it holds none.
std::optional<std::uint64_t> wish_in(std::string_view text);

// One request to an API.
class Attempt final : public ReplyWatcher {
 public:
  Attempt(const Schedule& schedule, std::string server, ApiAnswer answer, const Mishaps& mishaps)
      : server_(std::move(server)),
        answer_(std::move(answer)),
        mishaps_(mishaps),
        schedule_(schedule),
        begun_(schedule.now()),
        last_progress_(begun_) {}

  const std::string& server() const { return server_; }
  const ApiAnswer& answer() const { return answer_; }
  bool refused() const { return refused_; }
  // The network may lose what was sent, and the server does not know.
  bool may_be_lost() const { return mishaps_.dies; }
  bool has_slow_way() const { return mishaps_.is_slow; }
  Time begun() const { return begun_; }
  // When the server has sent what says anything to a client; nothing if it has not.
  std::optional<Time> said_at() const { return said_at_; }
  std::size_t sent() const { return sent_; }
  BodyEnd end() const { return end_; }

  // For people.
  std::string description() const;
  // All that a client may have been told of it, if it was told an end of the API's making.
  std::vector<Ending> endings() const;
  // Whether the answer may have made it wait that long.
  bool has_waited(Duration time) const;
  // Whether the server has sent what says anything to a client.
  bool says_something(bool raw) const { return answer_.says_something_after(sent_, raw); }

  void on_head_sent() override;
  void on_body_sent(std::size_t bytes) override;
  void on_whole() override;
  void on_broken(bool loses_sent) override;
  void on_connection_lost() override { loses_sent_ = true; }
  void on_refused() override { refused_ = true; }

 private:
  void note_progress();

  const std::string server_;
  const ApiAnswer answer_;
  const Mishaps mishaps_;
  const Schedule& schedule_;
  const Time begun_;
  std::optional<Time> said_at_;
  Time last_progress_;
  Duration longest_pause_{0};
  std::size_t sent_ = 0;
  bool head_sent_ = false;
  bool loses_sent_ = false;
  bool refused_ = false;
  BodyEnd end_ = BodyEnd::kNone;
};

class UpstreamRecord {
 public:
  explicit UpstreamRecord(const Schedule& schedule) : schedule_(schedule) {}

  // A request for this wish; number 0: it is not known for which.
  Attempt& begin(std::uint64_t wish, std::string server, ApiAnswer answer, const Mishaps& mishaps);
  // In their order.
  const std::vector<Attempt*>& attempts(std::uint64_t wish) const;
  // A run of LangGraph that the daemon has cancelled.
  void on_run_cancelled(std::string path) { ++cancelled_runs_[std::move(path)]; }

  const std::map<std::uint64_t, std::vector<Attempt*>>& by_wish() const { return by_wish_; }

 private:
  const Schedule& schedule_;
  std::deque<Attempt> all_;
  std::map<std::uint64_t, std::vector<Attempt*>> by_wish_;
  std::map<std::string, int> cancelled_runs_;
};

}  // namespace streaming::simulation
