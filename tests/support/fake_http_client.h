// SPDX-License-Identifier: Apache-2.0
// FakeHttpClient: an HttpClient whose answers come from the test.

#pragma once

#include "upstream/http_client.h"

namespace streaming {

struct FakeHttpClient final : HttpClient {
  struct Transfer final : HttpTransfer {
    explicit Transfer(FakeHttpClient& owner) : client(owner) {}
    ~Transfer() override { client.receiver = nullptr; }
    void pause() override { client.paused = true; }
    void resume() override { client.paused = false; }
    void let_finish() override {
      client.receiver = nullptr;
      client.let_finish = true;
    }
    FakeHttpClient& client;
  };

  std::unique_ptr<HttpTransfer> start(HttpRequest new_request, HttpReceiver& new_receiver) override {
    request = std::move(new_request);
    receiver = &new_receiver;
    return std::make_unique<Transfer>(*this);
  }

  HttpRequest request;               // the last one
  HttpReceiver* receiver = nullptr;  // null once its transfer was cancelled
  bool paused = false;
  bool let_finish = false;
};

}  // namespace streaming
