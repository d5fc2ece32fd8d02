// SPDX-License-Identifier: Apache-2.0
// CurlMulti: one of libcurl's multi handles, and what it waits for on the worker's ring and timer wheel.
//
// Owned by the CurlClient, on its thread. libcurl looks through all connections of a handle whenever a transfer of it
// begins or ends, and finds sockets in a table of fixed size; so a client has as many handles as its transfers need, of
// kTransfersPerCurlMulti at most.

#pragma once

#include <curl/curl.h>

#include <cstddef>

#include "ring/timer_wheel.h"
#include "upstream/socket_watches.h"

namespace streaming {

class CurlClient;

class CurlMulti final : private TimerOwner, private SocketOwner {
 public:
  // Borrows all.
  CurlMulti(CurlClient& client, SocketWatches& watches, TimerWheel& timers);
  // Its transfers are gone; closes the connections that were kept for others.
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  // libcurl asks for an immediate timeout, in which the transfer goes to work.
  void add(CURL* easy);
  void remove(CURL* easy);

  std::size_t transfers() const { return transfers_; }
  // Since when it has had none.
  Time idle_since() const { return idle_since_; }

 private:
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* multi, void* watch);
  static int on_timeout_change(CURLM* handle, long timeout_ms, void* multi);

  void on_timer(Timer& timer) override;
  void on_socket_ready(int fd, short events) override;
  void drive(curl_socket_t fd, int events);

  CurlClient& client_;
  SocketWatches& watches_;
  TimerWheel& timers_;
  Timer timeout_;  // libcurl's
  CURLM* const handle_;
  std::size_t transfers_ = 0;
  Time idle_since_;
};

}  // namespace streaming
