// SPDX-License-Identifier: Apache-2.0
// Http1Pool: the HTTP/1.1 connections of a worker to one origin. A request gets the one that became idle last, or opens
// one.
//
// Owned by the Http1Client, on its thread, as long as it.

#pragma once

#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "ring/timer_wheel.h"
#include "upstream/http1_connection.h"
#include "upstream/http1_transfer.h"
#include "upstream/http_client.h"
#include "upstream/http_transport.h"
#include "upstream/origin.h"

namespace streaming {

class Http1Pool final : private AddressAsker, private WorkOwner {
 public:
  // Borrows both.
  Http1Pool(Origin& origin, Http1Environment& environment);

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver);
  // A connection by which nothing was asked yet.
  void adopt(HttpTransport::Stream stream);

  // Also to a transfer whose connection was of no use, or whose answer was a redirect.
  void give_connection(Http1Transfer& transfer);

  // For its connections.
  void on_idle(Http1Connection& connection);
  void on_not_idle(Http1Connection& connection);

 private:
  void on_addresses(const Result<AddressList>& found) override;
  void open_waiting(const Result<AddressList>& found);
  // Not from within start(), because the answer may be known, or an error.
  void on_work(Work& work) override;

  Origin& origin_;
  Http1Environment& environment_;
  IntrusiveList<Http1Connection> without_addresses_;
  std::vector<Http1Connection*> idle_;  // the one that became idle last is the last
  Work ask_;
};

}  // namespace streaming
