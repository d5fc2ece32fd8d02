// SPDX-License-Identifier: Apache-2.0
#include "answers/shared_users.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "answers/limits.h"
#include "backends/limits.h"
#include "base/check.h"
#include "base/log.h"
#include "tls/sha1.h"

namespace streaming {
namespace {

// Whether another stream of the user may begin; if so, it counts. The replies: {0}; {1, WORKER, ...} if all streams
// are taken, with the other workers that have some; {2, SECONDS} if too many have begun within a minute; {3, SECONDS}
// if the tokens are used up. KEYS: the user's streams, by worker; when the user's bucket of starts is full again, in
// microseconds since 1970; the tokens used in the window, with which they expire. ARGV: this worker, how long the
// streams are remembered, this worker's number of them, and the three limits.
constexpr std::string_view kStartScript = R"(
local most,rate,budget=tonumber(ARGV[4]),tonumber(ARGV[5]),tonumber(ARGV[6])
if most>0 then
  local all,n,refusal=redis.call('HGETALL',KEYS[1]),tonumber(ARGV[3]),{1}
  for i=1,#all,2 do
    if all[i]~=ARGV[1] then n=n+all[i+1] refusal[#refusal+1]=all[i] end
  end
  if n>=most then return refusal end
end
if budget>0 and tonumber(redis.call('GET',KEYS[3]) or 0)>=budget then
  return {3,math.ceil(redis.call('PTTL',KEYS[3])/1000)}
end
if rate>0 then
  local time=redis.call('TIME')
  local now=time[1]*1000000+time[2]
  local left=math.max(now,tonumber(redis.call('GET',KEYS[2]) or 0))+60000000/rate-now
  if left>60000001 then return {2,math.ceil((left-60000000)/1000000)} end
  redis.call('SET',KEYS[2],string.format('%.0f',now+left),'PX',math.ceil(left/1000))
end
redis.call('HSET',KEYS[1],ARGV[1],ARGV[3]+1)
redis.call('PEXPIRE',KEYS[1],ARGV[2])
return {0})";

// KEYS: the tokens used in the window. ARGV: those to add, and how long a window is that begins now.
constexpr std::string_view kChargeScript = R"(
redis.call('INCRBY',KEYS[1],ARGV[1])
if redis.call('PTTL',KEYS[1])<0 then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end
return 1)";

enum Verdict : std::int64_t { kLetIn, kAllStreams, kAllStarts, kAllTokens };

constexpr std::int64_t kUnknown = -1;

}  // namespace

struct SharedUsers::User final : ListNode {
  explicit User(std::string_view name) : id(name) {}

  const std::string id;
  std::int64_t places = 0;      // this worker's streams
  std::int64_t asked_with = 0;  // of these, in the question that is under way
  std::int64_t stored = 0;  // what the store has of them once it has carried out what is under way; or kUnknown
  std::int64_t tokens = 0;      // to be charged
  std::uint32_t commands = 0;   // under way
  std::uint32_t looks = 0;      // of these, at other workers
  bool asks = false;            // the question of the first applicant is under way
  bool has_looked = false;      // for that question
  bool found_dead = false;
  bool lets_in = false;
  std::list<std::unique_ptr<UserApplicant>> applicants;
};

SharedUsers::SharedUsers(Store& store, UserLimits& limits, TimerWheel& timers, Counters& counters)
    : store_(store),
      limits_(limits),
      timers_(timers),
      counters_(counters),
      start_{kStartScript, sha1_hex(kStartScript)},
      charge_{kChargeScript, sha1_hex(kChargeScript)} {
  store_.add(*this);
}

SharedUsers::~SharedUsers() = default;

void SharedUsers::set_lifetime(Duration longest) {
  life_ms_ = std::to_string((longest > Duration(0) ? longest + kStoredUserExtraLife : kUnlimitedStoredLife).count());
}

SharedUsers::User& SharedUsers::find_or_add(std::string_view user_id) {
  std::unique_ptr<User>& user = users_[std::string(user_id)];
  if (user == nullptr) user = std::make_unique<User>(user_id);
  return *user;
}

void SharedUsers::forget_if_idle(User& user) {
  const bool has_nothing = user.places == 0 && user.stored == 0 && user.tokens == 0;
  if (has_nothing && user.commands == 0 && !user.asks && !user.linked()) users_.erase(users_.find(user.id));
}

// --- Questions ------------------------------------------------------------------------------------------------------

bool SharedUsers::is_to_be_asked(std::string_view user_id) {
  if (!limits_.limits(user_id) || limits_.would_refuse(user_id, timers_.clock())) return false;
  if (store_.ready() && commands().has_room() && commands().silence() < kUserPatience) return true;
  note_alone(store_.ready() ? "the store does not answer" : "the store cannot be reached");
  return false;
}

void SharedUsers::ask(std::string_view user_id, std::unique_ptr<UserApplicant> applicant) {
  User& user = find_or_add(user_id);
  user.applicants.push_back(std::move(applicant));
  if (!std::exchange(user.asks, true)) send_start(user);
}

void SharedUsers::send_start(User& user, bool whole_script) {
  user.asked_with = user.places;
  commands().send(request_, {start_.command(whole_script), start_.argument(whole_script), "3",
                             store_.user_key(user.id, "streams"), store_.user_key(user.id, "starts"),
                             store_.user_key(user.id, "tokens"), store_.owner(), life_ms_, std::to_string(user.places),
                             std::to_string(limits_.max_streams()), std::to_string(limits_.starts_per_minute()),
                             std::to_string(limits_.token_budget())});
  expect(Command::Kind::kStart, user);
  if (!patience_.pending()) timers_.schedule(patience_, kUserPatience);
}

void SharedUsers::on_verdict(User& user, const StoreReply& reply) {
  if (reply.is_error()) {
    if (reply.text().starts_with("NOSCRIPT")) return send_start(user, true);
    on_error(reply.text());
    return decide_alone(user, reply.text());
  }
  StoreReplyCursor cursor(reply);
  cursor.take_array();
  const auto seconds = [&cursor] {
    return static_cast<int>(std::clamp<std::int64_t>(cursor.take_integer().value_or(1), 1, kMaxRetryAfterSeconds));
  };
  switch (cursor.take_integer().value_or(kUnknown)) {
    case kLetIn:
      return let_in(user);
    case kAllStreams:
      return look_who_lives(user, cursor);
    case kAllStarts:
      return refuse(user, user_refusal(UserLimit::kStarts, seconds()));
    case kAllTokens:
      return refuse(user, user_refusal(UserLimit::kTokens, seconds()));
    default:
      return decide_alone(user, "the store's reply is not understood");
  }
}

void SharedUsers::look_who_lives(User& user, StoreReplyCursor& workers) {
  if (!user.has_looked && store_.knows_who_lives()) {
    while (const auto worker = workers.take_text()) {
      commands().send(request_, {"EXISTS", store_.alive_key(*worker)});
      expect(Command::Kind::kAlive, user, *worker);
      ++user.looks;
    }
  }
  if (user.looks == 0) refuse(user, user_refusal(UserLimit::kStreams, kAllStreamsRetrySeconds));
}

void SharedUsers::on_looked(User& user, std::string_view worker, bool lives) {
  if (!lives) {
    user.found_dead = true;
    commands().send(request_, {"HDEL", store_.user_key(user.id, "streams"), worker});
    expect(Command::Kind::kOther, user);
  }
  if (--user.looks > 0) return;
  user.has_looked = true;
  if (user.found_dead) return send_start(user);
  refuse(user, user_refusal(UserLimit::kStreams, kAllStreamsRetrySeconds));
}

void SharedUsers::let_in(User& user) {
  if (std::exchange(alone_, false)) log::info("users' limits count over all hosts again");
  user.stored = user.asked_with + 1;
  const std::unique_ptr<UserApplicant> applicant = std::move(user.applicants.front());
  user.applicants.pop_front();
  user.lets_in = true;
  applicant->on_decided({});
  user.lets_in = false;
  go_on(user);
}

// All who wait asked before now, so the reply is the same for them.
void SharedUsers::refuse(User& user, const Refusal& refusal) {
  for (const auto& applicant : std::exchange(user.applicants, {})) applicant->on_decided(refusal);
  go_on(user);
}

void SharedUsers::decide_alone(User& user, std::string_view reason) {
  for (const auto& applicant : std::exchange(user.applicants, {})) {
    note_alone(reason);
    applicant->on_decided({});
  }
  go_on(user);
}

void SharedUsers::go_on(User& user) {
  user.has_looked = user.found_dead = false;
  user.looks = 0;
  user.asks = !user.applicants.empty();
  if (user.asks) return send_start(user);
  write_later(user);
  forget_if_idle(user);
}

// --- Streams --------------------------------------------------------------------------------------------------------

bool SharedUsers::lets_in(std::string_view user_id) const {
  const auto found = users_.find(std::string(user_id));
  return found != users_.end() && found->second->lets_in;
}

void SharedUsers::enter(std::string_view user_id) {
  User& user = find_or_add(user_id);
  user.lets_in = false;
  ++user.places;
  write_later(user);
}

void SharedUsers::leave(std::string_view user_id, std::uint64_t tokens) {
  const auto found = users_.find(std::string(user_id));
  CHECK(found != users_.end() && found->second->places > 0);
  User& user = *found->second;
  --user.places;
  const bool charges = limits_.token_budget() > 0 && (store_.ready() || users_.size() <= kMaxUnwrittenUsers);
  if (charges) user.tokens += static_cast<std::int64_t>(std::min(tokens, kMaxChargedTokens));
  if (user.places == user.stored && user.tokens == 0) user.unlink();
  write_later(user);
  forget_if_idle(user);
}

// While a question is under way the store may change the number; go_on() looks again.
void SharedUsers::write_later(User& user) {
  if (user.asks || user.linked() || (user.stored == user.places && user.tokens == 0)) return;
  to_write_.push_back(user);
  if (!retry_.pending()) timers_.at_turn_end(write_);
}

void SharedUsers::on_work(Work&) {
  if (retry_.pending()) return;
  while (store_.ready() && commands().has_room()) {
    User* const user = to_write_.pop_front();
    if (user == nullptr) return;
    if (!user->asks) write(*user);
    forget_if_idle(*user);
  }
}

void SharedUsers::write(User& user) {
  if (user.stored != user.places) write_streams(user);
  if (user.tokens > 0) send_charge(user, std::exchange(user.tokens, 0));
}

void SharedUsers::write_streams(User& user) {
  const std::string key = store_.user_key(user.id, "streams");
  if (user.places == 0) {
    commands().send(request_, {"HDEL", key, store_.owner()});
  } else {
    commands().send(request_, {"HSET", key, store_.owner(), std::to_string(user.places)});
  }
  expect(Command::Kind::kWrite, user);
  user.stored = user.places;
  if (user.places == 0) return;
  commands().send(request_, {"PEXPIRE", key, life_ms_});
  expect(Command::Kind::kOther, user);
}

void SharedUsers::on_written(User& user, const StoreReply& reply) {
  if (reply.is_error()) {
    on_error(reply.text());
    user.stored = kUnknown;
    write_again_later(user);
  }
  forget_if_idle(user);
  if (!to_write_.empty() && !retry_.pending()) timers_.at_turn_end(write_);
}

void SharedUsers::send_charge(User& user, std::int64_t tokens, bool whole_script) {
  commands().send(request_, {charge_.command(whole_script), charge_.argument(whole_script), "1",
                             store_.user_key(user.id, "tokens"), std::to_string(tokens),
                             std::to_string(limits_.token_window().count())});
  expect(Command::Kind::kCharge, user, {}, tokens);
}

// What has no reply is not charged again: the store may have it already.
void SharedUsers::on_charged(User& user, std::int64_t tokens, const StoreReply& reply) {
  if (reply.is_error() && reply.text().starts_with("NOSCRIPT")) return send_charge(user, tokens, true);
  if (reply.is_error()) {
    on_error(reply.text());
    user.tokens += tokens;
    write_again_later(user);
  }
  forget_if_idle(user);
}

void SharedUsers::write_again_later(User& user) {
  timers_.schedule(retry_, kStoreRetryPause);
  write_later(user);
}

// --- The store ------------------------------------------------------------------------------------------------------

void SharedUsers::expect(Command::Kind kind, User& user, std::string_view worker, std::int64_t tokens) {
  under_way_.push_back({kind, user, std::string(worker), tokens});
  ++user.commands;
}

void SharedUsers::on_reply(StoreRequest&, const StoreReply& reply) {
  const Command command = std::move(under_way_.front());
  under_way_.pop_front();
  User& user = command.user;
  --user.commands;
  if (command.dropped) return on_dropped(user);
  switch (command.kind) {
    case Command::Kind::kStart:
      return on_verdict(user, reply);
    case Command::Kind::kAlive:
      return on_looked(user, command.worker, reply.is_error() || reply.integer() == 1);
    case Command::Kind::kWrite:
      return on_written(user, reply);
    case Command::Kind::kCharge:
      return on_charged(user, command.tokens, reply);
    case Command::Kind::kOther:
      return forget_if_idle(user);
  }
}

// It may have let in a stream that was decided on before.
void SharedUsers::on_dropped(User& user) {
  user.stored = kUnknown;
  write_later(user);
}

void SharedUsers::drop_questions(std::string_view reason) {
  std::vector<User*> users;
  for (Command& command : under_way_) {
    if (!command.user.asks || command.dropped) continue;
    if (command.kind == Command::Kind::kStart || command.kind == Command::Kind::kAlive) {
      command.dropped = true;
      users.push_back(&command.user);
    }
  }
  for (User* const user : users) {
    if (user->asks) decide_alone(*user, reason);
  }
}

// What was written may be lost; on_store_ready() writes all again.
void SharedUsers::on_unanswered(StoreRequest&) {
  drop_questions("the store cannot be reached");
  for (const Command& command : std::exchange(under_way_, {})) {
    command.user.stored = kUnknown;
    command.user.commands = 0;
  }
}

void SharedUsers::on_store_ready() {
  retry_.stop();
  for (auto& [id, user] : users_) {
    user->stored = kUnknown;
    write_later(*user);
  }
  if (!to_write_.empty()) timers_.at_turn_end(write_);
}

void SharedUsers::on_timer(Timer& timer) {
  if (&timer == &patience_) return look_at_patience();
  if (!to_write_.empty()) timers_.at_turn_end(write_);
}

// No question has waited longer than the oldest command.
void SharedUsers::look_at_patience() {
  const Duration waited = commands().silence();
  if (waited >= kUserPatience) return drop_questions("the store does not answer");
  if (!under_way_.empty()) timers_.schedule(patience_, kUserPatience - waited);
}

void SharedUsers::on_error(std::string_view error) {
  counters_.add(Counter::kStoreErrors);
  note_reason(error);
}

void SharedUsers::note_alone(std::string_view reason) {
  counters_.add(Counter::kUsersNotShared);
  note_reason(reason);
}

void SharedUsers::note_reason(std::string_view reason) {
  if (!std::exchange(alone_, true)) log::warn("users' limits count on this host alone: {}", reason);
}

}  // namespace streaming
