// SPDX-License-Identifier: Apache-2.0
// SharedUsers: the users of this worker's streams, counted together with the workers of other hosts, by scripts in the
// store. docs/PROTOCOL.md has the keys.
//
// One per worker that has a store, with limits.shared; owned by it, on its thread. A stream asks once, before it begins
// (ask()), and one question of a user is under way at a time. All else is what the store is to have: for each user the
// number of this worker's streams. It is written as that number, never as a change of it, so that a repetition does no
// harm, and whatever the store has lost or taken back is put right by the next one. Tokens are added, and never twice.

#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "answers/user_limits.h"
#include "base/intrusive_list.h"
#include "metrics/counters.h"
#include "ring/timer_wheel.h"
#include "store/store.h"

namespace streaming {

// A client that waits for the store.
class UserApplicant {
 public:
  virtual ~UserApplicant() = default;
  // The last call. Without a refusal the user's next stream may begin within it; what does not begin then counts no
  // more.
  virtual void on_decided(const std::optional<Refusal>& refusal) = 0;
};

class SharedUsers final : private StoreUser, private StoreRequestOwner, private WorkOwner, private TimerOwner {
 public:
  // Borrows all. set_lifetime() comes before the first stream.
  SharedUsers(Store& store, UserLimits& limits, TimerWheel& timers, Counters& counters);
  ~SharedUsers();

  // How long a stream runs at most; 0: no limit.
  void set_lifetime(Duration longest);

  // Whether the store is to be asked before the user's next stream begins. If it cannot be, this host's count decides.
  bool is_to_be_asked(std::string_view user_id);
  // Only if it is to be asked. It waits for kUserPatience at most; then this host's count decides.
  void ask(std::string_view user_id, std::unique_ptr<UserApplicant> applicant);

  // Whether the store has all, or takes nothing.
  bool idle() const { return !store_.ready() || retry_.pending() || (under_way_.empty() && to_write_.empty()); }

  // --- For UserPlaces ---

  // Whether the store has just let the user in.
  bool lets_in(std::string_view user_id) const;
  // A stream of the user has begun, and has ended.
  void enter(std::string_view user_id);
  // With the tokens that its answer has used.
  void leave(std::string_view user_id, std::uint64_t tokens);

 private:
  struct User;

  // It is sent by its digest, and whole if the store does not know it yet.
  struct Script {
    std::string_view text;
    std::string digest;  // empty: it cannot be made

    bool is_to_be_named(bool whole) const { return !whole && !digest.empty(); }
    std::string_view command(bool whole) const { return is_to_be_named(whole) ? "EVALSHA" : "EVAL"; }
    std::string_view argument(bool whole) const { return is_to_be_named(whole) ? std::string_view(digest) : text; }
  };

  // A command whose reply is still to come.
  struct Command {
    enum class Kind : std::uint8_t {
      kStart,   // the script that decides
      kAlive,   // whether another worker, which has streams of the user, lives
      kWrite,   // this worker's number
      kCharge,  // the script that charges tokens
      kOther,   // its reply means nothing
    };
    Kind kind;
    User& user;
    std::string worker;       // for kAlive
    std::int64_t tokens = 0;  // for kCharge
    bool dropped = false;     // the question was decided without it
  };

  StoreConnection& commands() { return store_.commands(); }
  User& find_or_add(std::string_view user_id);
  void forget_if_idle(User& user);

  void send_start(User& user, bool whole_script = false);
  void on_verdict(User& user, const StoreReply& reply);
  // All streams of the user are taken: those of the workers that follow count only if the workers live.
  void look_who_lives(User& user, StoreReplyCursor& workers);
  void on_looked(User& user, std::string_view worker, bool lives);
  void let_in(User& user);
  void refuse(User& user, const Refusal& refusal);
  // Without the store.
  void decide_alone(User& user, std::string_view reason);
  void go_on(User& user);

  void write_later(User& user);
  void write(User& user);
  void write_streams(User& user);
  void send_charge(User& user, std::int64_t tokens, bool whole_script = false);
  void on_charged(User& user, std::int64_t tokens, const StoreReply& reply);
  void on_written(User& user, const StoreReply& reply);
  void write_again_later(User& user);
  void expect(Command::Kind kind, User& user, std::string_view worker = {}, std::int64_t tokens = 0);
  void look_at_patience();
  void drop_questions(std::string_view reason);
  void on_dropped(User& user);
  void on_error(std::string_view error);
  void note_alone(std::string_view reason);
  void note_reason(std::string_view reason);

  void on_reply(StoreRequest&, const StoreReply& reply) override;
  void on_unanswered(StoreRequest&) override;
  void on_store_ready() override;
  void on_work(Work&) override;
  void on_timer(Timer& timer) override;

  Store& store_;
  UserLimits& limits_;
  TimerWheel& timers_;
  Counters& counters_;
  std::string life_ms_;
  const Script start_;
  const Script charge_;
  std::unordered_map<std::string, std::unique_ptr<User>> users_;  // with streams, or with something under way
  std::deque<Command> under_way_;
  IntrusiveList<User> to_write_;
  StoreRequest request_{*this};
  Work write_{*this};
  Timer retry_{*this};     // pending: the store has refused something
  Timer patience_{*this};  // pending while there are questions
  bool alone_ = false;     // the log says that this host counts alone
};

}  // namespace streaming
