// SPDX-License-Identifier: Apache-2.0
// UpstreamReckoning: whether what a client has got can be what the LLM APIs have sent, and whether they were asked again
// when the answer had begun.
//
// The world's, for the end of a run. Borrows the record.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/clients/received_answer.h"
#include "simulation/upstreams/upstream_record.h"

namespace streaming::simulation {

struct UpstreamRules {
  bool loses_connections = false;  // the network itself loses some, which no server knows
  bool keeps_order = false;        // no request that the daemon has given up arrives after the next one
};

class UpstreamReckoning {
 public:
  UpstreamReckoning(const UpstreamRecord& record, const UpstreamRules& rules) : record_(record), rules_(rules) {}

  // An answer that was begun for one of these wishes. What is wrong with it; empty if it is nothing.
  std::string check_answer(const std::vector<std::uint64_t>& wishes, const AnswerForm& form,
                           const ReceivedAnswer& received) const;

 private:
  bool is_explained(const Attempt& attempt, const AnswerForm& form, const ReceivedAnswer& received) const;
  bool has_right_end(const Attempt& attempt, const AnswerForm& form, const ReceivedAnswer& received) const;

  const UpstreamRecord& record_;
  const UpstreamRules rules_;
};

}  // namespace streaming::simulation
