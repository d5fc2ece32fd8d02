// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/upstream_record.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace streaming::simulation {

std::optional<std::uint64_t> wish_in(std::string_view text) {
  constexpr std::string_view kName = "wish ";
  const std::size_t at = text.rfind(kName);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const char* const begin = text.data() + at + kName.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

void Attempt::note_progress() {
  longest_pause_ = std::max(longest_pause_, schedule_.now() - last_progress_);
  last_progress_ = schedule_.now();
}

std::string Attempt::description() const {
  constexpr std::size_t kMostBytes = 3000;
  return server_ + (head_sent_ ? ", head" : "") + (refused_ ? ", refused" : "") + (loses_sent_ ? ", may be lost" : "") + ", " +
         std::to_string(answer_.status) + ", " + std::string(kBodyEndNames[static_cast<std::size_t>(end_)]) + ", " + std::to_string(sent_) + " bytes of: " +
         answer_.body.substr(0, kMostBytes);
}

void Attempt::on_head_sent() {
  head_sent_ = true;
  note_progress();
}

void Attempt::on_body_sent(std::size_t bytes) {
  sent_ += bytes;
  note_progress();
  if (!said_at_ && answer_.says_something_after(sent_, false)) said_at_ = schedule_.now();
}

void Attempt::on_whole() {
  if (end_ == BodyEnd::kNone) end_ = BodyEnd::kWhole;
}

void Attempt::on_broken(bool loses_sent) {
  if (end_ == BodyEnd::kNone) end_ = BodyEnd::kBroken;
  loses_sent_ |= loses_sent;
}

bool Attempt::has_waited(Duration time) const {
  const Duration since = schedule_.now() - last_progress_;
  return std::max(longest_pause_, end_ == BodyEnd::kNone ? since : Duration(0)) >= time;
}

std::vector<Ending> Attempt::endings() const {
  std::vector<Ending> endings;
  const auto add = [&endings](const Ending& ending) {
    if (ending.over && std::find(endings.begin(), endings.end(), ending) == endings.end()) endings.push_back(ending);
  };
  const Ending unreachable{.over = true, .failure = FailureKind::kUnreachable};
  if (!head_sent_) {
    if (end_ != BodyEnd::kNone) add(unreachable);
    return endings;
  }
  add(answer_.ending_after(sent_, end_));
  if (!loses_sent_) return endings;
  add(unreachable);
  for (const ApiEvent& event : answer_.events) {
    if (event.end > sent_) break;
    add(answer_.ending_after(event.end, BodyEnd::kBroken));
  }
  return endings;
}

Attempt& UpstreamRecord::begin(std::uint64_t wish, std::string server, ApiAnswer answer, const Mishaps& mishaps) {
  Attempt& attempt = all_.emplace_back(schedule_, std::move(server), std::move(answer), mishaps);
  by_wish_[wish].push_back(&attempt);
  return attempt;
}

const std::vector<Attempt*>& UpstreamRecord::attempts(std::uint64_t wish) const {
  static const std::vector<Attempt*> none;
  const auto found = by_wish_.find(wish);
  return found == by_wish_.end() ? none : found->second;
}

}  // namespace streaming::simulation
