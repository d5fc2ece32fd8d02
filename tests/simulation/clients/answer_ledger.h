// SPDX-License-Identifier: Apache-2.0
// AnswerLedger: what clients have got of one kept answer, together: all of them must have got the same bytes.
//
// An answer's id may be used again: when the answer has been forgotten, or after a crash. So there may be several
// answers of one id, but no more than clients have asked for. A value.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/clients/received_answer.h"

namespace streaming::simulation {

class AnswerLedger {
 public:
  // What a client has got behind the event number `after`. Clients with the lowest `after` first.
  void add(std::uint32_t after, const ReceivedAnswer& received);
  // Which event has this id, if only one answer is known and has it: an API's own ids may leave numbers out.
  std::optional<std::uint32_t> number_of(std::string_view id) const;
  // The number of different answers.
  std::size_t answers() const { return answers_.size(); }
  // Where two of them differ first.
  std::string difference() const;

 private:
  struct Answer {
    std::map<std::uint32_t, std::string> events;  // by number, from 1
    std::uint32_t all_events = 0;                 // 0: its end is not known
    std::string end_bytes;
  };

  static bool agree(const Answer& one, const Answer& other);

  std::vector<Answer> answers_;
};

}  // namespace streaming::simulation
