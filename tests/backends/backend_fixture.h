// SPDX-License-Identifier: Apache-2.0
// BackendTest: the fixture of tests of a single backend: the backend and its configuration, an HTTP client whose
// answers the test gives, a clock that the test moves, and a sink that keeps the calls it gets.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "backends/registry.h"
#include "support/fake_http_client.h"
#include "support/recording_sink.h"

namespace streaming {

class BackendTest : public testing::Test {
 protected:
  using Make = std::unique_ptr<DirectBackend> (*)(const BackendEnvironment& environment);

  explicit BackendTest(Make make) : make_(make) {}

  // From `config` as it is now.
  void make_backend() {
    session.reset();
    backend = make_(BackendEnvironment{config, timers, http});
  }
  // Starts a session; the first start makes the backend.
  void start(const HandoffRequest& request = {}) {
    session.reset();
    if (!backend) make_backend();
    session = backend->start(request, sink);
  }
  void start(std::string_view prompt) {
    HandoffRequest request;
    request.prompt = prompt;
    start(request);
  }

  void body(std::string_view bytes) { http.receiver->on_body(bytes); }
  void finished(std::string_view error = "") { http.receiver->on_finished(error); }

  void pass(Duration time = Duration(1)) {
    timers.set_now(timers.now() + time);
    timers.expire();
  }
  // Lets time pass until no timer is pending.
  void pass_until_idle() {
    while (const auto next = timers.next_expiry()) {
      timers.set_now(*next);
      timers.expire();
    }
  }

  Config config;
  FakeHttpClient http;
  TimerWheel timers{Time(Duration(5000))};
  RecordingSink sink;
  std::unique_ptr<DirectBackend> backend;
  std::unique_ptr<BackendSession> session;

 private:
  const Make make_;
};

}  // namespace streaming
