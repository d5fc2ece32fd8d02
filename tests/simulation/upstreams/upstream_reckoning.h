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
  bool keeps_order = false;  // no request that the daemon has given up arrives after the next one
};

// What a report says that an answer was.
struct ReportedAnswer {
  std::string cause;
  std::string text;
  std::string reasoning;
  std::vector<ApiCall> calls;
  std::string finish_reason;
  Usage usage;

  bool is_completed() const { return cause == "completed"; }
};

class UpstreamReckoning {
 public:
  UpstreamReckoning(const UpstreamRecord& record, const UpstreamRules& rules) : record_(record), rules_(rules) {}

  // An answer that was begun for one of these wishes. What is wrong with it; empty if it is nothing.
  std::string check_answer(const std::vector<std::uint64_t>& wishes, const AnswerForm& form,
                           const ReceivedAnswer& received) const;
  // The report of one that was begun for this wish. Likewise.
  std::string check_report(std::uint64_t wish, const ReportedAnswer& reported) const;
  // Whether an API was asked for it.
  bool was_asked(std::uint64_t wish) const { return !record_.attempts(wish).empty(); }

 private:
  bool is_explained(const Attempt& attempt, const AnswerForm& form, const ReceivedAnswer& received) const;
  bool has_right_end(const Attempt& attempt, const AnswerForm& form, const ReceivedAnswer& received) const;
  bool is_explained(const Attempt& attempt, const ReportedAnswer& reported) const;

  bool is_asked_again(const std::vector<Attempt*>& attempts, std::size_t answered) const;

  const UpstreamRecord& record_;
  const UpstreamRules rules_;
};

}  // namespace streaming::simulation
