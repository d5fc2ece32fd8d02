// CurlClient: the HttpClient for HTTP/1.1, over libcurl's multi interface, driven by the worker's ring and timer wheel.
//
// It also knows proxies and Unix sockets. libcurl's HTTP/2 is not used: each event of a connection makes it visit all
// transfers of that connection.

#pragma once

#include <curl/curl.h>

#include <memory>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "upstream/curl_transfer.h"
#include "upstream/http_client.h"
#include "upstream/socket_watches.h"

namespace streaming {

class CurlClient final : public HttpClient, private TimerOwner {
 public:
  // Once per process, before the first thread.
  static Status start_library();

  // Borrows both. All transfers must be gone before the client is.
  CurlClient(Ring& ring, TimerWheel& timers);
  ~CurlClient() override;

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override;

  void on_socket_ready(const Completion& completion);

  // Whether answers are still read that nobody waits for.
  bool finishing() const { return !finishing_.empty(); }

 private:
  class TransferHandle;

  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* client, void* watch);
  static int on_timeout_change(CURLM* multi, long timeout_ms, void* client);

  void on_timer(Timer& timer) override;
  void drive(curl_socket_t fd, int events);
  void finish_transfers();
  // Its session has gone, and libcurl has it to its end, or to the end of our patience.
  void keep_until_finished(CurlTransfer& transfer);
  void give_up_unfinished();
  // libcurl must not be asked to begin, to resume or to remove a transfer from within its own callbacks: that is done
  // after them.
  void defer(CurlTransfer& transfer);
  void run_deferred();

  TimerWheel& timers_;
  SocketWatches watches_;
  Timer timeout_;        // libcurl's
  Timer deferred_work_;  // something is in deferred_
  Timer patience_;       // something is in finishing_
  IntrusiveList<CurlTransfer> deferred_;
  IntrusiveList<CurlTransfer> finishing_;
  CURLM* multi_;
};

}  // namespace streaming
