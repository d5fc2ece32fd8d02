// SPDX-License-Identifier: Apache-2.0
// Store: what a worker shares with the workers of other hosts through Valkey or Redis: a connection for commands, one
// for wake-ups, the sign that this worker lives, and the orders that others leave for it.
//
// One per worker, owned by it, on its thread. While the store cannot be reached nothing is sent; its users go on where
// they were when it can be again. docs/PROTOCOL.md has the keys.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/intrusive_list.h"
#include "metrics/single_writer_value.h"
#include "ring/completion_table.h"
#include "ring/timer_wheel.h"
#include "store/limits.h"
#include "store/store_connection.h"
#include "upstream/upstream_client.h"

namespace streaming {

class Store;

class StoreUser : public ListNode {
 public:
  // Commands can be sent, and the store may have lost something.
  virtual void on_store_ready() = 0;

 protected:
  ~StoreUser() = default;
};

class WakeUpOwner {
 public:
  // There may be something new to read. Wake-ups can be lost.
  virtual void on_wake_up() = 0;

 protected:
  ~WakeUpOwner() = default;
};

// Listens to a channel while it lives. Its store outlives it.
class WakeUp : public ListNode {
 public:
  WakeUp(Store& store, WakeUpOwner& owner, std::string channel);
  ~WakeUp();

 private:
  friend class Store;

  Store& store_;
  WakeUpOwner& owner_;
  const std::string channel_;
};

struct StoreSettings {
  StoreUrl url;
  std::string prefix;   // of each key and channel
  std::string ca_file;  // for TLS; empty: the system's authorities
  Duration timeout{};   // of a connect, and of a reply
};

class Store final : private StoreRequestOwner, private TimerOwner, private WakeUpOwner {
 public:
  // Borrows all but the settings.
  Store(const StoreSettings& settings, UpstreamClient& http, TimerWheel& timers);

  void enter_at(CompletionTable& completions);
  // Connects. `take_order` gets each order that another worker has left for this one.
  void open(std::function<void(std::string_view order)> take_order);

  // This worker, among all workers of all hosts and times.
  const std::string& owner() const { return owner_; }
  bool ready() const { return commands_.ready(); }
  // Likewise, at some moment. Any thread.
  bool connected() const { return connected_.get() == 1; }
  // Whether all workers that live have had the time to show it since the store could be reached again.
  bool knows_who_lives() const { return ready() && timers_.now() >= knows_from_; }
  StoreConnection& commands() { return commands_; }
  // Calls it each time that commands can be sent again, and when others have taken this worker for dead, until it is
  // unlinked.
  void add(StoreUser& user) { users_.push_back(user); }

  // --- Keys, and channels ---

  // Of an answer. All have one hash tag, so that a cluster keeps them together.
  std::string answer_key(std::string_view id) const { return of_answer(id, "answer"); }
  std::string events_key(std::string_view id, std::string_view run) const {
    return of_answer(id, "events:").append(run);
  }
  std::string wake_up_channel(std::string_view id) const { return of_answer(id, "wake-up"); }
  // Of a user, who may have any name.
  std::string user_key(std::string_view user, std::string_view part) const;
  // Of a worker. The channel of its orders has their key's name.
  std::string alive_key(std::string_view owner) const { return of_owner(owner, "alive"); }
  std::string orders_key(std::string_view owner) const { return of_owner(owner, "orders"); }
  // Of a worker whose answers others report if it dies: its sign for them, and those answers.
  std::string reporting_key(std::string_view owner) const { return of_owner(owner, "reporting"); }
  std::string reports_key(std::string_view owner) const { return of_owner(owner, "reports"); }
  // All those workers, and the one that looks whose sign has lapsed.
  std::string workers_key() const { return prefix_ + "workers"; }
  std::string turn_key() const { return prefix_ + "reporter"; }
  // Which host has a report.
  std::string report_key(std::string_view webhook_id) const { return prefix_ + "report:" + std::string(webhook_id); }

 private:
  friend class WakeUp;

  // Both connections' owners.
  class CommandsOwner final : public StoreConnectionOwner {
   public:
    explicit CommandsOwner(Store& store) : store_(store) {}
    void on_store_ready() override { store_.on_ready(); }
    void on_store_lost() override { store_.on_lost(); }
    void on_message(const StoreReply&) override {}

   private:
    Store& store_;
  };
  class WakeUpsOwner final : public StoreConnectionOwner {
   public:
    explicit WakeUpsOwner(Store& store) : store_(store) {}
    void on_store_ready() override { store_.subscribe_all(); }
    void on_store_lost() override {}
    void on_message(const StoreReply& message) override { store_.on_message(message); }

   private:
    Store& store_;
  };

  void on_ready();
  void on_lost();
  void on_timer(Timer&) override;
  void on_reply(StoreRequest& request, const StoreReply& reply) override;
  void on_unanswered(StoreRequest&) override {}
  void on_wake_up() override { take_orders(); }
  void show_life();
  void on_sign_of_life(const StoreReply& reply);
  void take_orders();
  void subscribe_all();
  void on_message(const StoreReply& message);
  void add(WakeUp& wake_up);
  void remove(WakeUp& wake_up);
  std::string of_answer(std::string_view id, std::string_view part) const;
  std::string of_owner(std::string_view owner, std::string_view part) const;

  const std::string prefix_;
  const std::unique_ptr<TlsContext> tls_;  // null: without TLS, or the certificates cannot be read
  const StoreAddress address_;
  TimerWheel& timers_;
  const std::string owner_;
  CommandsOwner commands_owner_{*this};
  WakeUpsOwner wake_ups_owner_{*this};
  StoreConnection commands_;
  StoreConnection wake_ups_;
  IntrusiveList<StoreUser> users_;
  std::unordered_map<std::string, IntrusiveList<WakeUp>> listeners_;  // by channel
  std::function<void(std::string_view)> take_order_;
  StoreRequest alive_{*this};
  StoreRequest orders_{*this};
  Timer heartbeat_{*this};
  bool shown_ = false;  // that this worker lives, since commands can be sent
  Time knows_from_{};  // who lives
  SingleWriterValue connected_;  // 1 while commands can be sent
  std::optional<WakeUp> orders_wake_up_;
};

}  // namespace streaming
