// SPDX-License-Identifier: Apache-2.0
#include "upstream/curl_multi.h"

#include <poll.h>

#include "base/check.h"
#include "upstream/curl_client.h"
#include "upstream/curl_transfer.h"

namespace streaming {
namespace {

template <typename Value>
void set(CURLM* handle, CURLMoption option, Value value) {
  CHECK(curl_multi_setopt(handle, option, value) == CURLM_OK);
}

short poll_events(int what) {
  return static_cast<short>(((what & CURL_POLL_IN) != 0 ? POLLIN : 0) | ((what & CURL_POLL_OUT) != 0 ? POLLOUT : 0));
}

int curl_events(short events) {
  return ((events & (POLLIN | POLLHUP)) != 0 ? CURL_CSELECT_IN : 0) | ((events & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
         ((events & POLLERR) != 0 ? CURL_CSELECT_ERR : 0);
}

}  // namespace

CurlMulti::CurlMulti(CurlClient& client, SocketWatches& watches, TimerWheel& timers)
    : client_(client),
      watches_(watches),
      timers_(timers),
      timeout_(*this),
      handle_(curl_multi_init()),
      idle_since_(timers.now()) {
  CHECK(handle_ != nullptr);
  set(handle_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
  set(handle_, CURLMOPT_SOCKETDATA, this);
  set(handle_, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timeout_change);
  set(handle_, CURLMOPT_TIMERDATA, this);
}

CurlMulti::~CurlMulti() {
  CHECK(transfers_ == 0);
  curl_multi_cleanup(handle_);
}

void CurlMulti::add(CURL* easy) {
  ++transfers_;
  CHECK(curl_multi_add_handle(handle_, easy) == CURLM_OK);
}

void CurlMulti::remove(CURL* easy) {
  CHECK(curl_multi_remove_handle(handle_, easy) == CURLM_OK);
  CHECK(transfers_ > 0);
  if (--transfers_ == 0) idle_since_ = timers_.now();
}

int CurlMulti::on_socket(CURL*, curl_socket_t fd, int what, void* multi, void* watch) {
  auto& self = *static_cast<CurlMulti*>(multi);
  auto* known = static_cast<SocketWatches::Watch*>(watch);
  if (what == CURL_POLL_REMOVE) {
    if (known != nullptr) self.watches_.forget(*known);
    curl_multi_assign(self.handle_, fd, nullptr);
    return 0;
  }
  if (known == nullptr) {
    known = &self.watches_.add(fd, self);
    curl_multi_assign(self.handle_, fd, known);
  }
  self.watches_.want(*known, poll_events(what));
  return 0;
}

int CurlMulti::on_timeout_change(CURLM*, long timeout_ms, void* multi) {
  auto& self = *static_cast<CurlMulti*>(multi);
  if (timeout_ms < 0) {
    self.timeout_.stop();
  } else {
    self.timers_.schedule(self.timeout_, Duration(timeout_ms));
  }
  return 0;
}

void CurlMulti::on_timer(Timer&) {
  drive(CURL_SOCKET_TIMEOUT, 0);
}

void CurlMulti::on_socket_ready(int fd, short events) {
  drive(fd, curl_events(events));
}

void CurlMulti::drive(curl_socket_t fd, int events) {
  int running = 0;
  CHECK(curl_multi_socket_action(handle_, fd, events, &running) == CURLM_OK);
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(handle_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    client_.on_done(CurlTransfer::of(message->easy_handle), message->data.result);
  }
}

}  // namespace streaming
