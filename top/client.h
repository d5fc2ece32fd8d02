// SPDX-License-Identifier: Apache-2.0
// Client: asks a daemon over HTTP without waiting, so that keys are heard meanwhile.
//
// Owned by main(), one thread. One question of each kind is under way at a time.

#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace top {

struct Answer {
  std::string text;
  std::string failure;  // why there is no text; empty: there is
};

class Question {
 public:
  Question(CURLM* multi, std::string url);
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question();

  // Asks, unless that is under way already.
  void ask();
  // Its answer, once.
  std::optional<Answer> take() { return std::exchange(answer_, std::nullopt); }

 private:
  friend class Client;

  void finish(CURLcode result);

  CURLM* const multi_;
  const std::string url_;
  CURL* const request_;
  bool under_way_ = false;
  std::string text_;
  std::optional<Answer> answer_;
};

class Client {
 public:
  Client(const std::string& metrics_url, const std::string& streams_url);

  Question& metrics() { return metrics_; }
  Question& streams() { return streams_; }

  // Goes on with what is under way until something of it, or one of the descriptors, is ready, or the time is over.
  void wait(std::span<curl_waitfd> descriptors, int timeout_ms);

 private:
  const std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_{curl_multi_init(), curl_multi_cleanup};
  Question metrics_;
  Question streams_;
};

}  // namespace top
