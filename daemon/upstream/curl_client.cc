#include "upstream/curl_client.h"

#include <poll.h>

#include "base/check.h"
#include "base/limits.h"

namespace streaming {
namespace {

template <typename Value>
void set(CURLM* multi, CURLMoption option, Value value) {
  CHECK(curl_multi_setopt(multi, option, value) == CURLM_OK);
}

short poll_events(int what) {
  return static_cast<short>(((what & CURL_POLL_IN) != 0 ? POLLIN : 0) | ((what & CURL_POLL_OUT) != 0 ? POLLOUT : 0));
}

int curl_events(short events) {
  return ((events & (POLLIN | POLLHUP)) != 0 ? CURL_CSELECT_IN : 0) | ((events & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
         ((events & POLLERR) != 0 ? CURL_CSELECT_ERR : 0);
}

}  // namespace

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

CurlClient::CurlClient(Ring& ring, TimerWheel& timers)
    : timers_(timers),
      watches_(ring),
      timeout_(*this),
      deferred_work_(*this),
      patience_(*this),
      multi_(curl_multi_init()) {
  CHECK(multi_ != nullptr);
  set(multi_, CURLMOPT_SOCKETFUNCTION, &CurlClient::on_socket);
  set(multi_, CURLMOPT_SOCKETDATA, this);
  set(multi_, CURLMOPT_TIMERFUNCTION, &CurlClient::on_timeout_change);
  set(multi_, CURLMOPT_TIMERDATA, this);
}

CurlClient::~CurlClient() {
  give_up_unfinished();
  run_deferred();
  curl_multi_cleanup(multi_);
}

std::unique_ptr<HttpTransfer> CurlClient::start(HttpRequest request, HttpReceiver& receiver) {
  auto* transfer = new CurlTransfer(std::move(request), receiver);
  defer(*transfer);
  return std::make_unique<TransferHandle>(*this, *transfer);
}

int CurlClient::on_socket(CURL*, curl_socket_t fd, int what, void* client, void* watch) {
  auto& self = *static_cast<CurlClient*>(client);
  auto* known = static_cast<SocketWatches::Watch*>(watch);
  if (what == CURL_POLL_REMOVE) {
    if (known != nullptr) self.watches_.forget(*known);
    curl_multi_assign(self.multi_, fd, nullptr);
    return 0;
  }
  if (known == nullptr) {
    known = &self.watches_.add(fd);
    curl_multi_assign(self.multi_, fd, known);
  }
  self.watches_.want(*known, poll_events(what));
  return 0;
}

int CurlClient::on_timeout_change(CURLM*, long timeout_ms, void* client) {
  auto& self = *static_cast<CurlClient*>(client);
  if (timeout_ms < 0) {
    self.timeout_.stop();
  } else {
    self.timers_.schedule(self.timeout_, Duration(timeout_ms));
  }
  return 0;
}

void CurlClient::on_timer(Timer& timer) {
  if (&timer == &deferred_work_) {
    run_deferred();
  } else if (&timer == &patience_) {
    give_up_unfinished();
  } else {
    drive(CURL_SOCKET_TIMEOUT, 0);
  }
}

void CurlClient::on_socket_ready(const Completion& completion) {
  watches_.on_ready(completion, [this](int fd, short events) { drive(fd, curl_events(events)); });
}

void CurlClient::drive(curl_socket_t fd, int events) {
  int running = 0;
  CHECK(curl_multi_socket_action(multi_, fd, events, &running) == CURLM_OK);
  finish_transfers();
}

void CurlClient::finish_transfers() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode result = message->data.result;
    CurlTransfer& transfer = CurlTransfer::of(message->easy_handle);
    curl_multi_remove_handle(multi_, transfer.easy());
    const bool nobody_waits = transfer.finishing();
    transfer.finish(result);
    if (!nobody_waits || !transfer.linked()) continue;
    transfer.unlink();
    defer(transfer);
  }
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
  timers_.schedule(deferred_work_, Duration(0));
}

void CurlClient::run_deferred() {
  IntrusiveList<CurlTransfer> transfers;
  transfers.splice_back(deferred_);
  while (CurlTransfer* transfer = transfers.pop_front()) {
    if (transfer->cancelled()) {
      // No effect where libcurl is done with it.
      curl_multi_remove_handle(multi_, transfer->easy());
      delete transfer;
    } else if (!transfer->begun()) {
      transfer->begin(multi_);
    } else if (transfer->held_back() && !transfer->paused()) {
      transfer->release_held_back();
    }
  }
  finish_transfers();
}

}  // namespace streaming
