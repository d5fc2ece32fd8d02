// SPDX-License-Identifier: Apache-2.0
#include "upstream/curl_transfer.h"

#include <optional>
#include <utility>

#include "base/check.h"
#include "upstream/curl_client.h"
#include "upstream/limits.h"
#include "upstream/redirect.h"

namespace streaming {
namespace {

// Options that exist in every supported libcurl; failing to set one is a defect.
template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

curl_slist* make_list(const std::vector<std::string>& headers) {
  curl_slist* list = nullptr;
  for (const std::string& header : headers) {
    list = curl_slist_append(list, header.c_str());
    CHECK(list != nullptr);
  }
  // Else libcurl asks for leave to send a long body, and waits for it.
  list = curl_slist_append(list, "Expect:");
  CHECK(list != nullptr);
  return list;
}

// The addresses are given to libcurl: a look-up of its own would take a thread.
int refuse_to_look_up(void*, void*, void*) {
  return 1;
}

}  // namespace

CurlTransfer::CurlTransfer(CurlClient& client, HttpRequest request, HttpReceiver& receiver, const CurlRoute* route,
                           CURLSH* shared)
    : url_(std::move(request.url)),
      body_(std::move(request.body)),
      held_(std::move(request.held)),
      client_(client),
      receiver_(&receiver),
      easy_(curl_easy_init()),
      headers_(make_list(request.headers)) {
  CHECK(easy_ != nullptr);
  set(easy_, CURLOPT_PRIVATE, this);
  set(easy_, CURLOPT_SHARE, shared);
  set(easy_, CURLOPT_URL, url_.c_str());
  set(easy_, CURLOPT_PATH_AS_IS, 1L);  // as over HTTP/2
  set(easy_, CURLOPT_HTTPHEADER, headers_);
  set(easy_, CURLOPT_POSTFIELDS, body_.data());
  set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  set(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header);
  set(easy_, CURLOPT_HEADERDATA, this);
  set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's answer is not the API's
  set(easy_, CURLOPT_PREREQFUNCTION, &CurlTransfer::on_connection);
  set(easy_, CURLOPT_PREREQDATA, this);
  set(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body);
  set(easy_, CURLOPT_WRITEDATA, this);
  set(easy_, CURLOPT_ERRORBUFFER, error_.data());
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  set(easy_, CURLOPT_BUFFERSIZE, kUpstreamReadBytes);
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(kUpstreamConnectTimeout.count()));
  set(easy_, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  if (route != nullptr) set_route(*route);
  if (!request.ca_file.empty()) set(easy_, CURLOPT_CAINFO, request.ca_file.c_str());
  set(easy_, CURLOPT_SSL_VERIFYPEER, request.insecure_ssl ? 0L : 1L);
  set(easy_, CURLOPT_SSL_VERIFYHOST, request.insecure_ssl ? 0L : 2L);
}

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
  curl_slist_free_all(addresses_);
}

// --- The host that is connected to ----------------------------------------------------------------------------------

void CurlTransfer::set_route(const CurlRoute& route) {
  // Both are said, also where they are empty: else libcurl looks into the environment once more.
  set(easy_, CURLOPT_PROXY, route.proxy.c_str());
  set(easy_, CURLOPT_NOPROXY, "");
  if (route.host.empty()) return;
  host_ = route.host;
  port_ = route.port;
  set(easy_, CURLOPT_RESOLVER_START_FUNCTION, refuse_to_look_up);
}

void CurlTransfer::find_host(Resolver& resolver) {
  resolver.ask(host_, question_);
}

void CurlTransfer::on_addresses(const Result<AddressList>& found) {
  if (cancelled()) return;
  if (!found) {
    done_ = true;
    return receiver_->on_finished(found.error().message);
  }
  std::string entry = host_ + ":" + std::to_string(port_) + ":";
  for (const Address& address : *found) {
    if (entry.back() != ':') entry += ',';
    entry += address.family() == AF_INET6 ? "[" + address.text() + "]" : address.text();
  }
  addresses_ = curl_slist_append(nullptr, entry.c_str());
  CHECK(addresses_ != nullptr);
  set(easy_, CURLOPT_RESOLVE, addresses_);
  host_.clear();
  client_.on_host_found(*this);
}

// --- The request ----------------------------------------------------------------------------------------------------

CurlTransfer& CurlTransfer::of(CURL* easy) {
  char* transfer = nullptr;
  CHECK(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) == CURLE_OK);
  return *reinterpret_cast<CurlTransfer*>(transfer);
}

void CurlTransfer::begin(CurlMulti& multi) {
  CHECK(!begun_ && multi_ == nullptr);
  begun_ = true;
  multi_ = &multi;
  multi_->add(easy_);
}

void CurlTransfer::leave() {
  if (multi_ != nullptr) std::exchange(multi_, nullptr)->remove(easy_);
}

void CurlTransfer::release_held_back() {
  held_back_ = false;
  curl_easy_pause(easy_, CURLPAUSE_CONT);
}

// If a connection that it has used before is lost without an answer, libcurl sends the request again. The server may have
// begun with it, so we allow that only if nothing was sent.
int CurlTransfer::on_connection(void* transfer, char*, char*, int, int) {
  auto& self = *static_cast<CurlTransfer*>(transfer);
  long sent = 0;
  curl_easy_getinfo(self.easy_, CURLINFO_REQUEST_SIZE, &sent);
  self.lost_ = sent > 0;
  return self.lost_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

// A head ends with an empty line. What it says is not to wait for a body that may never come.
std::size_t CurlTransfer::on_header(char* line, std::size_t size, std::size_t count, void* transfer) {
  constexpr long kFirstFinalStatus = 200;
  auto& self = *static_cast<CurlTransfer*>(transfer);
  const std::string_view text(line, size * count);
  long status = 0;
  curl_easy_getinfo(self.easy_, CURLINFO_RESPONSE_CODE, &status);
  if (text.find_first_not_of("\r\n") == std::string_view::npos && status >= kFirstFinalStatus) self.announce_head();
  return text.size();
}

std::size_t CurlTransfer::on_body(char* bytes, std::size_t size, std::size_t count, void* transfer) {
  auto& self = *static_cast<CurlTransfer*>(transfer);
  const std::size_t length = size * count;
  if (self.paused_ && !self.redirected_) {
    self.held_back_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (self.finishing_ || self.redirected_) {
    self.dropped_bytes_ += length;
    return self.dropped_bytes_ > kMaxUnreadBytes ? 0 : length;  // 0 makes libcurl give up
  }
  self.announce_head();
  if (!self.cancelled()) self.receiver_->on_body({bytes, length});
  return length;
}

void CurlTransfer::announce_head() {
  if (cancelled() || head_announced_ || redirected_) return;
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (take_redirect(static_cast<int>(status))) return;
  head_announced_ = true;
  forget_request();
  receiver_->on_head(HttpHead{.status = static_cast<int>(status),
                              .content_type = header("Content-Type"),
                              .content_encoding = header("Content-Encoding"),
                              .retry_after = header("Retry-After"),
                              .retry_after_ms = header("Retry-After-Ms"),
                              .content_location = header("Content-Location")});
}

bool CurlTransfer::take_redirect(int status) {
  if (redirects_ == kMaxRedirects) return false;
  std::optional<std::string> target = redirect_target(url_, status, std::string(header("Location")));
  if (!target) return false;
  ++redirects_;
  redirected_ = true;
  url_ = std::move(*target);
  return true;
}

void CurlTransfer::start_over() {
  begun_ = false;
  redirected_ = false;
  dropped_bytes_ = 0;
  error_[0] = '\0';
  set(easy_, CURLOPT_URL, url_.c_str());
}

// A stream may wait for long, and its question be long. A server may also answer before it has read all. libcurl makes
// no request again that is being answered.
void CurlTransfer::forget_request() {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &sent);
  if (sent != static_cast<curl_off_t>(body_.size())) return;
  std::string().swap(body_);
  held_ = {};
  set<curl_slist*>(easy_, CURLOPT_HTTPHEADER, nullptr);
  curl_slist_free_all(std::exchange(headers_, nullptr));
}

// Of the last head, which is the final one; libcurl's until the transfer goes on.
std::string_view CurlTransfer::header(const char* name) const {
  constexpr int kLastHead = -1;
  curl_header* found = nullptr;
  return curl_easy_header(easy_, name, 0, CURLH_HEADER, kLastHead, &found) == CURLHE_OK ? found->value : "";
}

void CurlTransfer::let_finish() {
  cancel();
  // A transfer that is paused would not come to its end.
  finishing_ = !paused_;
}

void CurlTransfer::finish(CURLcode result) {
  done_ = true;
  if (cancelled()) return;
  std::string_view reason = error_[0] != '\0' ? error_.data() : curl_easy_strerror(result);
  if (result == CURLE_OK) reason = {};
  // To libcurl a head that breaks off is one.
  if (lost_ || (result == CURLE_OK && !head_announced_)) reason = "the server closed the connection before its answer";
  receiver_->on_finished(reason);
}

}  // namespace streaming
