// SPDX-License-Identifier: Apache-2.0
// Http1Connection: one connection to an origin over HTTP/1.1: a ByteStream, and one request at a time.
//
// A slot of the Http1Client, on its thread. Its slot is freed at a turn's end, when the ByteStream has nothing in flight.
// While it waits for bytes it holds none, but for the end of a chunk or a line that is cut.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/intrusive_list.h"
#include "base/slab.h"
#include "ring/timer_wheel.h"
#include "upstream/http1_answer.h"
#include "upstream/http1_transfer.h"
#include "upstream/http_transport.h"

namespace streaming {

class Http1Connection;
class Http1Pool;

// What the connections of a worker share; the Http1Client's.
struct Http1Environment {
  HttpTransport& transport;
  Slab<Http1Connection>& connections;
  std::uint32_t finishing = 0;    // connections that read answers nobody waits for
  std::vector<char> joined = {};  // what was left of a read, and the next one
};

class Http1Connection final : public ListNode, private TimerOwner, private WorkOwner, private ByteStreamOwner {
 public:
  enum class State : std::uint8_t {
    kOpening,
    kBusy,     // has a request, or reads the rest of an answer that nobody waits for
    kIdle,     // in the pool
    kLeaving,  // the last bytes are on their way
    kClosing,  // freed when nothing is in flight
  };

  Http1Connection(Handle handle, Http1Pool& pool, Origin& origin, Http1Environment& environment);
  ~Http1Connection();

  // Before open(), while the addresses are being looked for.
  void open_for(Http1Transfer& transfer);
  // To the first address that answers; all of it takes kUpstreamConnectTimeout at most.
  void open(AddressList addresses);
  void on_not_found(std::string_view error) { fail(error); }
  // In place of that: a connection that is open already, and idle.
  void take_over(HttpTransport::Stream stream);

  // An idle one's next request.
  void carry(Http1Transfer& transfer);
  // An idle one is of no use any more.
  void leave();

  // For its transfer. It is destroyed; `let_finish`: the rest of the answer is to be read, for a moment.
  void on_transfer_gone(bool let_finish);
  void on_resumed();

 private:
  // ByteStreamOwner
  void on_open() override;
  void on_received_bytes(std::span<const char> bytes) override;
  void on_lost(ConnectionEnd cause, std::string_view error) override;
  void on_progress() override { flush_later(); }

  void flush_later() { environment_.transport.timers.at_turn_end(flush_); }
  // At the turn's end: frees the connection if nothing else is left of it.
  void on_work(Work& work) override;
  // Sends what the turn has brought. True when nothing is left of the connection but its slot.
  bool flush();
  void write_request();

  void on_timer(Timer& timer) override;

  // Whether the answer's next bytes wait for the transfer.
  bool held_back() const { return transfer_ != nullptr && transfer_->paused() && answer_.has_head(); }
  // Hands out what can be of the bytes, and keeps the rest.
  void take(std::string_view bytes);
  // Returns how many it has handed out.
  std::size_t hand_out(std::string_view bytes);
  void on_head();
  void on_body(std::string_view bytes);
  void on_answer_end(bool more_follows);
  void on_bytes_end();

  Http1Transfer* let_go();
  void become_idle();
  void finish_without_transfer();
  // `error` is for the transfer.
  void fail(std::string_view error);
  void close();

  const Handle handle_;
  Http1Pool& pool_;
  Origin& origin_;
  Http1Environment& environment_;
  State state_ = State::kOpening;
  bool begun_ = false;      // to send the present request
  bool was_idle_ = false;   // before the present request
  bool finishing_ = false;  // nobody waits for the rest of the answer
  Timer timer_;
  Work flush_;
  HttpTransport::Stream stream_;
  Http1Transfer* transfer_ = nullptr;
  Http1Answer answer_;
  std::string left_over_;              // of what was received: what is held back, or cannot be read alone
  std::unique_ptr<std::string> lost_;  // why the stream ended, while what it has brought is held back
  std::size_t dropped_bytes_ = 0;
};

static_assert(sizeof(Http1Connection) <= 256);

}  // namespace streaming
