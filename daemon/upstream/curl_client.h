// CurlClient: the HttpClient for HTTP/1.1, over libcurl's multi interface, driven by the worker's ring and timer wheel.
//
// It also knows proxies and Unix sockets. libcurl's HTTP/2 is not used: each event of a connection makes it visit all
// transfers of that connection.

#pragma once

#include <curl/curl.h>

#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "upstream/curl_multi.h"
#include "upstream/curl_transfer.h"
#include "upstream/http_client.h"
#include "upstream/socket_watches.h"

namespace streaming {

class CurlClient final : public HttpClient, private TimerOwner, private CurlMultiOwner {
 public:
  // Once per process, before the first thread.
  static Status start_library();

  // Borrows both. All transfers must be gone before the client is.
  CurlClient(Ring& ring, TimerWheel& timers);
  ~CurlClient() override;

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override;

  void on_socket_ready(const Completion& completion) { watches_.on_ready(completion); }

  // Whether answers are still read that nobody waits for.
  bool finishing() const { return !finishing_.empty(); }

 private:
  class TransferHandle;

  void on_timer(Timer& timer) override;
  void on_done(CurlTransfer& transfer, CURLcode result) override;
  // The first one that has room, so that connections are used again.
  CurlMulti& multi_with_room();
  CurlMulti& add_multi();
  void close_idle_multis();
  // Its session has gone, and libcurl has it to its end, or to the end of our patience.
  void keep_until_finished(CurlTransfer& transfer);
  void give_up_unfinished();
  // libcurl must not be asked to begin, to resume or to remove a transfer from within its own callbacks: that is done
  // after them.
  void defer(CurlTransfer& transfer);
  void run_deferred();

  TimerWheel& timers_;
  SocketWatches watches_;
  Timer deferred_work_;  // something is in deferred_
  Timer patience_;       // something is in finishing_
  Timer idleness_;       // something in multis_ was used
  IntrusiveList<CurlTransfer> deferred_;
  IntrusiveList<CurlTransfer> finishing_;
  CURLSH* const shared_;                            // what transfers learn for each other: addresses, TLS sessions
  std::vector<std::unique_ptr<CurlMulti>> multis_;  // at least one
};

}  // namespace streaming
