// SPDX-License-Identifier: Apache-2.0
// FakeHooks: an HttpClient whose requests wait until the test answers them.

#pragma once

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <utility>

#include "upstream/http_client.h"

namespace streaming {

// The one of the examples of Standard Webhooks.
inline constexpr char kHookSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

class FakeHooks final : public HttpClient {
 public:
  struct Post {
    HttpRequest request;
    HttpReceiver* receiver;

    std::string header(std::string_view name) const {
      for (const std::string& header : request.headers) {
        if (header.starts_with(std::string(name) + ": ")) return header.substr(name.size() + 2);
      }
      return "";
    }
  };

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override {
    ++started;
    return std::make_unique<Transfer>(*this, posts_.insert(posts_.end(), Post{std::move(request), &receiver}));
  }

  std::size_t waiting() const { return posts_.size(); }
  const Post& front() const { return posts_.front(); }
  // Answers the oldest post that waits.
  void answer(int status) { posts_.front().receiver->on_head({.status = status}); }
  void fail(std::string_view error) { posts_.front().receiver->on_finished(error); }

  int started = 0;

 private:
  class Transfer final : public HttpTransfer {
   public:
    Transfer(FakeHooks& owner, std::list<Post>::iterator post) : owner_(owner), post_(post) {}
    ~Transfer() override {
      if (!finished_) owner_.posts_.erase(post_);
    }
    void pause() override { ADD_FAILURE(); }
    void resume() override { ADD_FAILURE(); }
    void let_finish() override {
      finished_ = true;
      owner_.posts_.erase(post_);
    }

   private:
    FakeHooks& owner_;
    std::list<Post>::iterator post_;
    bool finished_ = false;
  };

  std::list<Post> posts_;
};

}  // namespace streaming
