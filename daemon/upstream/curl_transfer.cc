#include "upstream/curl_transfer.h"

#include <utility>

#include "base/check.h"
#include "base/limits.h"

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

}  // namespace

CurlTransfer::CurlTransfer(HttpRequest request, HttpReceiver& receiver, CURLSH* shared)
    : body_(std::move(request.body)),
      receiver_(&receiver),
      easy_(curl_easy_init()),
      headers_(make_list(request.headers)) {
  CHECK(easy_ != nullptr);
  set(easy_, CURLOPT_PRIVATE, this);
  set(easy_, CURLOPT_SHARE, shared);
  set(easy_, CURLOPT_URL, request.url.c_str());
  set(easy_, CURLOPT_HTTPHEADER, headers_);
  set(easy_, CURLOPT_POSTFIELDS, body_.data());
  set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  set(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header);
  set(easy_, CURLOPT_HEADERDATA, this);
  set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's answer is not the API's
  set(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body);
  set(easy_, CURLOPT_WRITEDATA, this);
  set(easy_, CURLOPT_ERRORBUFFER, error_.data());
  set(easy_, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700  // 7.87
  // Else the end of a transfer waits for the thread that resolves its name.
  set(easy_, CURLOPT_QUICK_EXIT, 1L);
#endif
  set(easy_, CURLOPT_BUFFERSIZE, kUpstreamReadBytes);
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(kUpstreamConnectTimeout.count()));
  set(easy_, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  if (!request.unix_socket.empty()) set(easy_, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  if (!request.ca_file.empty()) set(easy_, CURLOPT_CAINFO, request.ca_file.c_str());
  set(easy_, CURLOPT_SSL_VERIFYPEER, request.insecure_ssl ? 0L : 1L);
  set(easy_, CURLOPT_SSL_VERIFYHOST, request.insecure_ssl ? 0L : 2L);
}

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

CurlTransfer& CurlTransfer::of(CURL* easy) {
  char* transfer = nullptr;
  CHECK(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) == CURLE_OK);
  return *reinterpret_cast<CurlTransfer*>(transfer);
}

void CurlTransfer::begin(CurlMulti& multi) {
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
  if (self.paused_) {
    self.held_back_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (self.finishing_) {
    self.dropped_bytes_ += length;
    return self.dropped_bytes_ > kMaxUnreadBytes ? 0 : length;  // 0 makes libcurl give up
  }
  self.announce_head();
  if (!self.cancelled()) self.receiver_->on_body({bytes, length});
  return length;
}

void CurlTransfer::announce_head() {
  if (cancelled() || std::exchange(head_announced_, true)) return;
  forget_body();
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  receiver_->on_head(HttpHead{.status = static_cast<int>(status),
                              .content_type = header("Content-Type"),
                              .retry_after = header("Retry-After"),
                              .content_location = header("Content-Location")});
}

// A stream may wait for long, and its question be long. A server may also answer before it has read all.
void CurlTransfer::forget_body() {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &sent);
  if (sent == static_cast<curl_off_t>(body_.size())) std::string().swap(body_);
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
  if (result == CURLE_OK) announce_head();
  if (cancelled()) return;
  const std::string_view reason = error_[0] != '\0' ? error_.data() : curl_easy_strerror(result);
  receiver_->on_finished(result == CURLE_OK ? std::string_view{} : reason);
}

}  // namespace streaming
