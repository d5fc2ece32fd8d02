// SPDX-License-Identifier: Apache-2.0
#include "top/endpoints.h"

#include <gtest/gtest.h>

namespace top {
namespace {

void expect(std::string_view url, const char* name, const char* metrics, const char* streams) {
  const Endpoints endpoints = endpoints_of(url);
  EXPECT_EQ(endpoints.name, name) << url;
  EXPECT_EQ(endpoints.metrics, metrics) << url;
  EXPECT_EQ(endpoints.streams, streams) << url;
}

TEST(Endpoints, NeedNoMoreThanHostAndPort) {
  for (const char* url : {"10.0.0.1:9090", "http://10.0.0.1:9090", "http://10.0.0.1:9090/",
                          "http://10.0.0.1:9090/metrics"}) {
    expect(url, "10.0.0.1:9090", "http://10.0.0.1:9090/metrics", "http://10.0.0.1:9090/streams");
  }
  expect("9091", "127.0.0.1:9091", "http://127.0.0.1:9091/metrics", "http://127.0.0.1:9091/streams");
}

TEST(Endpoints, KeepASchemeAndAPathInFront) {
  expect("https://host/daemon/metrics", "host", "https://host/daemon/metrics", "https://host/daemon/streams");
}

}  // namespace
}  // namespace top
