// SPDX-License-Identifier: Apache-2.0
// ReportReckoning: whether each answer was reported as it should be: at least once, with what its clients have got, and
// none that nobody has asked for.
//
// Made at a run's end, for one look. Borrows all.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/clients/received_answer.h"
#include "simulation/clients/visits.h"
#include "simulation/upstreams/upstream_reckoning.h"

namespace streaming::simulation {

class ReportReckoning {
 public:
  ReportReckoning(const ReportWitness& witness, const UpstreamReckoning* upstreams)
      : witness_(witness), upstreams_(upstreams) {}

  // All that are over.
  void add(const Visit& visit) { visits_.push_back(&visit); }
  // What was wrong.
  std::vector<std::string> violations();

 private:
  // What a report says, in the last of its bodies that tell the most: a whole one, or else a cut one.
  struct Reported {
    std::string id;  // webhook-id
    std::string body;
    ReportedAnswer answer;
    std::optional<bool> client_has_end;

    bool is_cut() const { return answer.cause == "cut"; }
  };
  // What a client has got of an answer.
  struct Got {
    ReceivedAnswer answer;
    bool is_refused = false;  // by the daemon, which has begun nothing
    bool has_begun = false;   // an answer, if it is its own
    bool is_error = false;    // without an answer
  };

  void read_posts();
  void read(const HookPost& post);
  bool may_differ(const Visit& asker, const Reported& one, const Reported& other) const;
  void check_fields(const Visit& visit, const std::string& body);
  void check_source(const Visit& visit, const Reported& reported);
  void check_asker(const Visit& visit);
  void check_client(const Visit& client, const Got& got);
  void compare(const Visit& client, const Got& got, const Visit& asker, const Reported& reported);
  void check_repetitions();
  void check_promises();

  Got got_by(const Visit& visit) const;
  // Whose wish has begun what the client got; null if nobody's, or none that wants a report.
  const Visit* asker_of(const Visit& client, const Got& got) const;
  const Reported* report_for(const Visit& asker) const;
  bool may_be_lost(const Visit& asker, bool client_has_end) const;
  void complain(const Visit& visit, std::string_view what) {
    violations_.push_back(visit.description() + ": " + std::string(what));
  }

  const ReportWitness& witness_;
  const UpstreamReckoning* const upstreams_;
  std::vector<const Visit*> visits_;
  std::map<std::uint64_t, const Visit*> askers_;      // by wish
  std::map<std::uint64_t, std::vector<Reported>> reports_;  // by wish; more than one is wrong
  std::vector<std::string> violations_;
};

}  // namespace streaming::simulation
