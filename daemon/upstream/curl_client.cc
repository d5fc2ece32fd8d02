// SPDX-License-Identifier: Apache-2.0
#include "upstream/curl_client.h"

#include <algorithm>

#include "base/check.h"
#include "upstream/limits.h"

namespace streaming {

// What the session holds.
class CurlClient::TransferHandle final : public HttpTransfer {
 public:
  TransferHandle(CurlClient& client, CurlTransfer& transfer) : client_(client), transfer_(transfer) {}
  ~TransferHandle() override {
    transfer_.cancel();
    if (transfer_.finishing()) {
      client_.keep_until_finished(transfer_);
    } else {
      client_.defer(transfer_);
    }
  }

  void pause() override { transfer_.pause(); }
  void resume() override {
    transfer_.unpause();
    if (transfer_.held_back()) client_.defer(transfer_);
  }
  void let_finish() override { transfer_.let_finish(); }

 private:
  CurlClient& client_;
  CurlTransfer& transfer_;
};

Status CurlClient::start_library() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return Error{"cannot initialise libcurl"};
  return success();
}

CurlClient::CurlClient(TimerWheel& timers, SocketWatches& watches, Resolver& resolver, const ProxyRules& proxies)
    : timers_(timers),
      watches_(watches),
      resolver_(resolver),
      routes_(proxies),
      deferred_work_(*this),
      patience_(*this),
      idleness_(*this),
      shared_(curl_share_init()) {
  CHECK(shared_ != nullptr);
  CHECK(curl_share_setopt(shared_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK);
  add_multi();
}

CurlClient::~CurlClient() {
  give_up_unfinished();
  run_deferred();
  multis_.clear();
  CHECK(curl_share_cleanup(shared_) == CURLSHE_OK);
}

std::unique_ptr<HttpTransfer> CurlClient::start(HttpRequest request, HttpReceiver& receiver) {
  const CurlRoute* route = routes_.find(request.url);
  auto* transfer = new CurlTransfer(*this, std::move(request), receiver, route, shared_);
  defer(*transfer);
  return std::make_unique<TransferHandle>(*this, *transfer);
}

CurlMulti& CurlClient::multi_with_room() {
  if (!idleness_.pending()) timers_.schedule(idleness_, kUpstreamIdleTimeout);
  for (const std::unique_ptr<CurlMulti>& multi : multis_) {
    if (multi->transfers() < kTransfersPerCurlMulti) return *multi;
  }
  return add_multi();
}

CurlMulti& CurlClient::add_multi() {
  return *multis_.emplace_back(std::make_unique<CurlMulti>(*this, watches_, timers_));
}

void CurlClient::close_idle_multis() {
  const Time now = timers_.now();
  std::erase_if(multis_, [now](const std::unique_ptr<CurlMulti>& multi) {
    return multi->transfers() == 0 && now >= multi->idle_since() + kUpstreamIdleTimeout;
  });
  if (!multis_.empty()) return timers_.schedule(idleness_, kUpstreamIdleTimeout);
  add_multi();
}

void CurlClient::on_timer(Timer& timer) {
  if (&timer == &patience_) {
    give_up_unfinished();
  } else {
    close_idle_multis();
  }
}

void CurlClient::on_done(CurlTransfer& transfer, CURLcode result) {
  transfer.leave();
  if (transfer.redirected()) {
    transfer.start_over();
    return defer(transfer);
  }
  const bool nobody_waits = transfer.finishing();
  transfer.finish(result);
  if (!nobody_waits || !transfer.linked()) return;
  transfer.unlink();
  defer(transfer);
}

void CurlClient::keep_until_finished(CurlTransfer& transfer) {
  transfer.unlink();
  finishing_.push_back(transfer);
  if (!patience_.pending()) timers_.schedule(patience_, kUnreadTimeout);
}

void CurlClient::give_up_unfinished() {
  while (CurlTransfer* transfer = finishing_.pop_front()) defer(*transfer);
}

void CurlClient::defer(CurlTransfer& transfer) {
  if (transfer.linked()) return;
  deferred_.push_back(transfer);
  timers_.soon(deferred_work_);
}

void CurlClient::run_deferred() {
  IntrusiveList<CurlTransfer> transfers;
  transfers.splice_back(deferred_);
  while (CurlTransfer* transfer = transfers.pop_front()) {
    if (transfer->cancelled()) {
      transfer->leave();
      delete transfer;
    } else if (!transfer->host_known()) {
      transfer->find_host(resolver_);
    } else if (!transfer->begun()) {
      transfer->begin(multi_with_room());
    } else if (transfer->held_back() && !transfer->paused()) {
      transfer->release_held_back();
    }
  }
}

}  // namespace streaming
