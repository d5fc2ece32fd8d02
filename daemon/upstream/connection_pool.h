// SPDX-License-Identifier: Apache-2.0
// ConnectionPool: the HTTP/2 connections of a worker to one origin, and the requests that wait for one.
//
// Owned by the Http2Client, on its thread, as long as it. It fills one connection before it uses the next, and opens
// another when more requests wait than those that are open, or being opened, can carry.

#pragma once

#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "base/slab.h"
#include "ring/timer_wheel.h"
#include "upstream/http1_client.h"
#include "upstream/http2_connection.h"
#include "upstream/http_client.h"
#include "upstream/limits.h"
#include "upstream/origin.h"
#include "upstream/reconnect_gate.h"
#include "upstream/resolver.h"

namespace streaming {

class ConnectionPool final : private AddressAsker, private TimerOwner, private WorkOwner {
 public:
  // Borrows all. `http1` takes the requests, and the connections, if the origin turns out to speak nothing else.
  ConnectionPool(Origin& origin, ConnectionEnvironment& environment, Http1Client& http1);

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver);

  // For its streams. One that waited no longer does.
  void on_left(Http2Stream& stream);
  // No connection carries it any more, and it is to be sent again.
  void on_redirected(Http2Stream& stream) { give_to_connection(stream); }

  // For its connections. One is open, or may carry more streams than before, or fewer.
  void on_room_changed(Http2Connection& connection);
  // The server speaks HTTP/1.1 only. Takes the stream, unless nobody asks for anything.
  void on_http1(HttpTransport::Stream& stream);
  // It takes no more streams; those it has go on.
  void on_draining(Http2Connection& connection, ConnectionEnd cause, std::string_view reason);
  void on_first_answer() { gate_.on_answer(); }
  // `counts`: the server has refused it, and may not do so again and again.
  void on_refused(Http2Stream& stream, bool counts);
  void on_http1_required(Http2Stream& stream) { stream.start_over_at(http1_); }
  // It takes no more streams and is about to fail those it has.
  void on_closing(Http2Connection& connection, ConnectionEnd cause, std::string_view error);

 private:
  void on_addresses(const Result<AddressList>& found) override;
  void on_timer(Timer&) override { open_more(); }
  void on_work(Work&) override { open_more(); }

  // To one that has room; else it waits.
  void give_to_connection(Http2Stream& stream);
  void wait(Http2Stream& stream);
  Http2Stream& take_waiting();
  void fail_waiting(std::string_view error);
  std::uint32_t wanted_connections() const;
  bool is_hopeless() const;
  static bool is_of_no_use(Http2Connection& connection, ConnectionEnd cause);
  void on_failure(ConnectionEnd cause, std::string_view error);
  void open_more_later();
  void open_more();
  void count_as(Http2Connection& connection, Http2Connection::Counted counted);

  Origin& origin_;
  ConnectionEnvironment& environment_;
  Http1Client& http1_;
  IntrusiveList<Http2Stream> waiting_;
  IntrusiveList<Http2Connection> with_room_;
  IntrusiveList<Http2Connection> others_;  // being opened, full, or draining
  std::uint32_t waiting_count_ = 0;
  std::uint32_t open_count_ = 0;                          // that may take streams, now or later
  std::uint32_t opening_count_ = 0;                       // of which nobody knows yet how many streams they will carry
  std::uint32_t usual_limit_ = kMaxStreamsPerConnection;  // how many streams a connection carries, as far as is known
  ReconnectGate gate_;
  Work open_more_;          // connections
  Timer gate_opens_;        // and more connections are wanted
  bool asking_ = false;     // for addresses
  Time http1_until_{};      // the origin speaks nothing else
};

}  // namespace streaming
