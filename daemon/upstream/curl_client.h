// SPDX-License-Identifier: Apache-2.0
// CurlClient: the HttpClient for proxies, over libcurl's multi interface, driven by the worker's ring and timer wheel.
//
// By HTTP/1.1. libcurl's HTTP/2 is not used: each event of a connection makes it visit all transfers of that connection.
// Nor are its look-ups of names, which take a thread each.

#pragma once

#include <curl/curl.h>

#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "ring/timer_wheel.h"
#include "upstream/curl_multi.h"
#include "upstream/curl_routes.h"
#include "upstream/curl_transfer.h"
#include "upstream/http_client.h"
#include "upstream/proxy_rules.h"
#include "upstream/resolver.h"
#include "upstream/socket_watches.h"

namespace streaming {

class CurlClient final : public HttpClient, private TimerOwner, private WorkOwner {
 public:
  // Once per process, before the first thread.
  static Status start_library();

  // Borrows all; the watches' completions are the lender's to route. All transfers must be gone before the client is.
  CurlClient(TimerWheel& timers, SocketWatches& watches, Resolver& resolver, const ProxyRules& proxies);
  ~CurlClient() override;

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override;

  // Whether answers are still read that nobody waits for.
  bool finishing() const { return !finishing_.empty(); }

  // For its transfers: one can begin. May be called from within CurlTransfer::find_host().
  void on_host_found(CurlTransfer& transfer) { defer(transfer); }
  // For its multi handles: libcurl is done with a transfer, which is to be removed. Called after libcurl's own
  // callbacks.
  void on_done(CurlTransfer& transfer, CURLcode result);

 private:
  class TransferHandle;

  void on_timer(Timer& timer) override;
  void on_work(Work&) override { run_deferred(); }
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
  SocketWatches& watches_;
  Resolver& resolver_;
  CurlRoutes routes_;
  Work deferred_work_;  // something is in deferred_
  Timer patience_;      // something is in finishing_
  Timer idleness_;      // something in multis_ was used
  IntrusiveList<CurlTransfer> deferred_;
  IntrusiveList<CurlTransfer> finishing_;
  CURLSH* const shared_;                            // what transfers learn for each other: TLS sessions
  std::vector<std::unique_ptr<CurlMulti>> multis_;  // at least one
};

}  // namespace streaming
