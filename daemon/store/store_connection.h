// SPDX-License-Identifier: Apache-2.0
// StoreConnection: a connection to Valkey or Redis, which is opened again when it is lost. Commands are gathered in a
// turn and sent together; their replies come in the same order.
//
// One per worker and purpose, on the worker's thread. What is sent is bounded by its callers, who ask has_room().

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "ring/completion_table.h"
#include "ring/timer_wheel.h"
#include "store/store_reply.h"
#include "store/store_url.h"
#include "upstream/origin.h"
#include "upstream/reconnect_gate.h"
#include "upstream/resolver.h"
#include "upstream/byte_stream.h"

namespace streaming {

class StoreConnection;
class StoreRequest;

class StoreRequestOwner {
 public:
  // One for each command, in order. An error of the store's is a reply too.
  virtual void on_reply(StoreRequest& request, const StoreReply& reply) = 0;
  // The connection is lost before the last reply: of the commands without one, nobody knows whether the store has
  // carried them out. Commands must not be sent within this call.
  virtual void on_unanswered(StoreRequest& request) = 0;

 protected:
  ~StoreRequestOwner() = default;
};

// Commands whose replies are still to come. A member of its owner; if it is destroyed, their replies are dropped.
class StoreRequest {
 public:
  explicit StoreRequest(StoreRequestOwner& owner) : owner_(owner) {}
  ~StoreRequest() { forget(); }
  StoreRequest(const StoreRequest&) = delete;
  StoreRequest& operator=(const StoreRequest&) = delete;

  bool pending() const { return !expected_.empty(); }
  // Drops the replies that are still to come.
  void forget();

 private:
  friend class StoreConnection;

  // Who gets the replies of some commands in succession.
  struct Expected {
    StoreRequest* request;  // null: nobody
    std::uint32_t replies;
    std::size_t bytes;  // of the commands
    Time sent;
  };

  StoreRequestOwner& owner_;
  std::vector<Expected*> expected_;  // one or two; in a kept answer a deque would take half a kilobyte
};

// The other thing that a connection reports.
class StoreConnectionOwner {
 public:
  // Commands can be sent.
  virtual void on_store_ready() = 0;
  // They cannot, until the next on_store_ready(). Requests' on_unanswered() come before.
  virtual void on_store_lost() = 0;
  // What the store sends by itself, on a connection that has subscribed.
  virtual void on_message(const StoreReply& message) = 0;

 protected:
  ~StoreConnectionOwner() = default;
};

struct StoreAddress {
  StoreUrl url;
  const TlsContext* tls = nullptr;  // null: without TLS; borrowed
  Duration timeout{};               // of a connect, and of a reply
};

class StoreConnection final : private ByteStreamOwner, private AddressAsker, private TimerOwner, private WorkOwner {
 public:
  // The operations that it uses, whose completions go to it.
  struct Operations {
    Operation receive;
    Operation send;
    Operation writable;
  };

  // Borrows all. `name`: what the log calls it.
  StoreConnection(StoreConnectionOwner& owner, std::string name, const StoreAddress& address,
                  ByteStreamEnvironment& environment, Resolver& resolver, TimerWheel& timers,
                  const Operations& operations);
  ~StoreConnection();

  void enter_at(CompletionTable& completions);

  // Connects; from then on it stays connected as far as it can.
  void open();
  // Whether commands can be sent.
  bool ready() const { return state_ == State::kReady; }
  bool has_room() const;
  // How long the command has waited whose reply is to come next; 0: there is none.
  Duration silence() const { return oldest_sent() ? timers_.now() - *oldest_sent() : Duration(0); }
  // Whether the last attempt to connect has failed.
  bool failing() const { return gate_.failing(); }
  // Whether any attempt has failed, or a connection was lost, since open().
  bool has_failed() const { return has_failed_; }

  // Only if it is ready(). Each has a reply.
  void send(StoreRequest& request, std::initializer_list<std::string_view> command);
  // SUBSCRIBE and the like, whose replies are messages.
  void send_without_reply(std::initializer_list<std::string_view> command);
  // Only if it is ready() and has sent nothing that has a reply: the connection counts as lost unless a message comes in
  // time.
  void ping();

 private:
  enum class State : std::uint8_t {
    kClosed,     // never opened
    kResolving,  // asks for addresses
    kOpening,
    kGreeting,  // has told who we are, and waits for the replies
    kReady,
    kClosing,  // waits until nothing is in flight
    kPausing,  // before the next attempt
  };

  void on_open() override;
  void on_received_bytes(std::span<const char> bytes) override;
  void on_lost(ConnectionEnd cause, std::string_view error) override;
  void on_progress() override { timers_.at_turn_end(flush_); }
  void on_addresses(const Result<AddressList>& found) override;
  void on_timer(Timer& timer) override;
  void on_work(Work& work) override;

  void on_received(const Completion& completion) { stream_->on_received(completion); }
  void on_sent(const Completion& completion) { stream_->on_sent(completion); }
  void on_writable(const Completion& completion) { stream_->on_writable(completion); }

  void connect(AddressList addresses);
  void greet(std::initializer_list<std::string_view> command);
  void on_greeting(const StoreReply& reply);
  void take(const StoreReply& reply);
  // Its bytes.
  std::size_t add_command(std::initializer_list<std::string_view> command);
  // When the command was sent that has waited longest; nothing if none waits.
  std::optional<Time> oldest_sent() const;
  void drop_expected();
  void pause(ConnectionEnd cause, std::string_view error);

  StoreConnectionOwner& owner_;
  const StoreAddress& address_;
  ByteStreamEnvironment& environment_;
  Resolver& resolver_;
  TimerWheel& timers_;
  const Operations operations_;
  Origin origin_;
  ReconnectGate gate_;
  State state_ = State::kClosed;
  bool has_failed_ = false;
  std::uint32_t greetings_ = 0;  // replies to come before it is ready
  Timer timer_{*this};
  Work flush_{*this};
  std::optional<ByteStream> stream_;
  StoreReplyReader reader_;
  Buffer commands_;  // to be sent at the turn's end
  std::deque<StoreRequest::Expected> expected_;
  std::size_t unanswered_bytes_ = 0;
  std::optional<Time> pinged_;  // and no message has come since
};

}  // namespace streaming
