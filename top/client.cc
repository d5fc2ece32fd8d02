// SPDX-License-Identifier: Apache-2.0
#include "top/client.h"

#include <utility>

namespace top {
namespace {

constexpr long kTimeoutMs = 5000;
constexpr std::size_t kMaxAnswerBytes = 64 * 1024 * 1024;
constexpr long kForbidden = 403;

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* text) {
  auto& all = *static_cast<std::string*>(text);
  if (all.size() + size * count > kMaxAnswerBytes) return 0;
  all.append(bytes, size * count);
  return size * count;
}

}  // namespace

Question::Question(CURLM* multi, std::string url) : multi_(multi), url_(std::move(url)), request_(curl_easy_init()) {
  curl_easy_setopt(request_, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(request_, CURLOPT_PROXY, "");
  curl_easy_setopt(request_, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(request_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(request_, CURLOPT_TIMEOUT_MS, kTimeoutMs);
  curl_easy_setopt(request_, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(request_, CURLOPT_WRITEDATA, &text_);
  curl_easy_setopt(request_, CURLOPT_PRIVATE, this);
}

Question::~Question() {
  if (under_way_) curl_multi_remove_handle(multi_, request_);
  curl_easy_cleanup(request_);
}

void Question::ask() {
  if (under_way_) return;
  text_.clear();
  under_way_ = curl_multi_add_handle(multi_, request_) == CURLM_OK;
}

void Question::finish(CURLcode result) {
  curl_multi_remove_handle(multi_, request_);
  under_way_ = false;
  long status = 0;
  curl_easy_getinfo(request_, CURLINFO_RESPONSE_CODE, &status);
  if (result == CURLE_OK) {
    answer_ = Answer{std::move(text_), ""};
  } else if (status == kForbidden) {
    answer_ = Answer{"", "the daemon shows its streams to its own machine alone"};
  } else {
    answer_ = Answer{"", url_ + ": " + curl_easy_strerror(result)};
  }
}

Client::Client(const std::string& metrics_url, const std::string& streams_url)
    : metrics_(multi_.get(), metrics_url), streams_(multi_.get(), streams_url) {
}

void Client::wait(std::span<curl_waitfd> descriptors, int timeout_ms) {
  int running = 0;
  curl_multi_perform(multi_.get(), &running);
  curl_multi_poll(multi_.get(), descriptors.data(), static_cast<unsigned>(descriptors.size()), timeout_ms, nullptr);
  curl_multi_perform(multi_.get(), &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* question = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &question);
    reinterpret_cast<Question*>(question)->finish(message->data.result);
  }
}

}  // namespace top
