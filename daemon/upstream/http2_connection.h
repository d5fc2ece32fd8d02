// SPDX-License-Identifier: Apache-2.0
// Http2Connection: one connection to an origin: a ByteStream, and an Http2Session.
//
// A slot of the Http2Client, on its thread; a member of its ConnectionPool's lists until it is closing. Its slot is freed
// when the ByteStream has nothing in flight.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/intrusive_list.h"
#include "base/slab.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "upstream/http2_session.h"
#include "upstream/http_transport.h"
#include "upstream/origin.h"
#include "upstream/resolver.h"

namespace streaming {

class ConnectionPool;
class Http2Connection;

// What the connections of a worker share; the Http2Client's.
struct ConnectionEnvironment {
  HttpTransport& transport;
  Slab<Http2Connection>& connections;
  std::vector<char> frames = {};  // what becomes one record
};

class Http2Connection final : public ListNode,
                              private TimerOwner,
                              private WorkOwner,
                              private Http2SessionOwner,
                              private ByteStreamOwner {
 public:
  enum class State : std::uint8_t {
    kOpening,
    kOpen,
    kDraining,  // takes no more streams, those it has go on
    kLeaving,   // the last bytes are on their way
    kClosing,   // freed when nothing is in flight
  };

  Http2Connection(Handle handle, ConnectionPool& pool, Origin& origin, ConnectionEnvironment& environment);

  Handle handle() const { return handle_; }
  // To the first address that answers; all of it takes kUpstreamConnectTimeout at most.
  void open(AddressList addresses);

  State state() const { return state_; }
  bool opening() const { return state_ == State::kOpening; }
  bool has_room() const { return state_ == State::kOpen && session_.streams() < session_.limit(); }
  // How many streams it carries; nothing before the server has allowed one.
  std::optional<std::uint32_t> limit() const { return allows_streams_ ? session_.stated_limit() : std::nullopt; }
  // Whether it has done what connections are for, or was not asked to.
  bool of_use() const { return answered_ || (allows_streams_ && !session_.was_used()); }
  void start(Http2Stream& stream) { session_.start(stream); }

  // The pool's: in which of its lists it is, as what it is counted there, and whether the gate knows that it was of no
  // use.
  enum class Counted : std::uint8_t { kOpening, kOpen, kNone };
  Counted counted = Counted::kOpening;
  bool listed_with_room = false;
  bool blamed = false;

 private:
  // Http2SessionOwner
  void on_settings() override;
  void on_stream_closed() override;
  void on_first_answer() override;
  void on_going_away(bool takes_some) override;
  void on_refused(Http2Stream& stream) override;
  void on_http1_required(Http2Stream& stream) override;
  void on_output() override { flush_later(); }

  // ByteStreamOwner
  void on_open() override;
  void on_received_bytes(std::span<const char> bytes) override;
  void on_lost(ConnectionEnd cause, std::string_view error) override { close(cause, error); }
  void on_progress() override { flush_later(); }

  void flush_later() { environment_.transport.timers.at_turn_end(flush_); }
  // At the turn's end: frees the connection if nothing else is left of it.
  void on_work(Work& work) override;
  // Sends what the turn has brought. True when nothing is left of the connection but its slot.
  bool flush();
  void gather_output();

  void on_timer(Timer& timer) override;
  void look_after_silence();
  void drain(ConnectionEnd cause, std::string_view reason);
  void schedule_check(Time at);

  void leave();
  // `error` is for those whose requests it ends.
  void close(ConnectionEnd cause, std::string_view error);

  const Handle handle_;
  ConnectionPool& pool_;
  ConnectionEnvironment& environment_;
  State state_ = State::kOpening;
  bool pinged_ = false;          // and nothing has come since
  bool allows_streams_ = false;  // the server has allowed one, at some time
  bool answered_ = false;        // it has answered a request
  bool takes_some_ = false;      // its GOAWAY leaves it some of the requests that it had
  Timer timer_;
  Work flush_;
  Time connect_deadline_;
  Time last_heard_;
  Time pinged_at_;
  Time idle_since_;
  HttpTransport::Stream stream_;  // null: it speaks HTTP/1.1, and another connection has it
  Http2Session session_;
};

}  // namespace streaming
