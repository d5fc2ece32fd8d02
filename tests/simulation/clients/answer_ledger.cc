// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/answer_ledger.h"

#include <algorithm>
#include <utility>

namespace streaming::simulation {

void AnswerLedger::add(std::uint32_t after, const ReceivedAnswer& received) {
  using End = ReceivedAnswer::End;
  Answer answer;
  for (const std::string& event : received.events) answer.events[++after] = event;
  if (received.end == End::kDone || received.end == End::kStopped) {
    answer.all_events = after;
    answer.end_bytes = received.end_bytes;
  }
  const auto same =
      std::find_if(answers_.begin(), answers_.end(), [&](const Answer& known) { return agree(known, answer); });
  if (same == answers_.end()) return answers_.push_back(std::move(answer));
  same->events.merge(answer.events);
  if (same->end_bytes.empty()) {
    same->all_events = answer.all_events;
    same->end_bytes = answer.end_bytes;
  }
}

std::optional<std::uint32_t> AnswerLedger::number_of(std::string_view id) const {
  if (answers_.size() != 1) return std::nullopt;
  const std::string line = "\nid: " + std::string(id) + '\n';
  for (const auto& [number, event] : answers_.front().events) {
    if (('\n' + event).find(line) != std::string::npos) return number;
  }
  return std::nullopt;
}

bool AnswerLedger::agree(const Answer& one, const Answer& other) {
  const auto exceeds = [](const Answer& long_one, const Answer& ended) {
    return !ended.end_bytes.empty() && !long_one.events.empty() && long_one.events.rbegin()->first > ended.all_events;
  };
  if (exceeds(one, other) || exceeds(other, one)) return false;
  if (!one.end_bytes.empty() && !other.end_bytes.empty() &&
      (one.end_bytes != other.end_bytes || one.all_events != other.all_events)) {
    return false;
  }
  return std::all_of(other.events.begin(), other.events.end(), [&](const auto& event) {
    const auto found = one.events.find(event.first);
    return found == one.events.end() || found->second == event.second;
  });
}

std::string AnswerLedger::difference() const {
  if (answers_.size() < 2) return {};
  const Answer& one = answers_[answers_.size() - 2];
  const Answer& other = answers_.back();
  for (const auto& [number, event] : other.events) {
    const auto found = one.events.find(number);
    if (found != one.events.end() && found->second != event) return found->second + "and " + event;
  }
  return "their ends, \"" + one.end_bytes + "\" behind event " + std::to_string(one.all_events) + " and \"" +
         other.end_bytes + "\" behind event " + std::to_string(other.all_events);
}

}  // namespace streaming::simulation
