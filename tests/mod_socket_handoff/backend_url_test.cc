// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/backend_url.h"

#include <gtest/gtest.h>

namespace socket_handoff {
namespace {

bool is_application_of_this_host(std::string_view text) {
  const BackendUrl url(text);
  return url.runs_applications() && url.is_on_this_host();
}

TEST(BackendUrl, ApplicationsOfThisHostAreReachedByUnixSocketsAndTheLoopback) {
  for (const char* url : {"unix:/run/php/php-fpm.sock|fcgi://localhost/var/www/x.php", "UNIX:/x|FCGI://anything/",
                          "fcgi://127.0.0.1:9000/x.php", "fcgi://[::1]:9000/", "scgi://localhost:4000",
                          "uwsgi://127.8.9.1", "fcgi://LOCALHOST?query"}) {
    EXPECT_TRUE(is_application_of_this_host(url)) << url;
  }
}

TEST(BackendUrl, NoOtherProtocolRunsApplications) {
  for (const char* url : {"http://127.0.0.1/", "https://localhost", "unix:/run/app.sock|http://localhost/",
                          "h2://localhost", "h2c://localhost", "ajp://127.0.0.1:8009", "ws://localhost",
                          "balancer://fcgi", "fcgis://localhost", "http://fcgi://localhost"}) {
    EXPECT_FALSE(BackendUrl(url).runs_applications()) << url;
  }
}

TEST(BackendUrl, OtherHostsAreNotThisOneWhateverTheirName) {
  for (const char* url : {"fcgi://192.0.2.1:9000", "fcgi://127.example.org", "fcgi://localhost.example.org",
                          "fcgi://php:9000", "fcgi://[2001:db8::1]/127.0.0.1", "fcgi://127.0.0.1@192.0.2.1/",
                          "fcgi://localhost:x@192.0.2.1/", "fcgi:///x", "fcgi://"}) {
    EXPECT_FALSE(BackendUrl(url).is_on_this_host()) << url;
  }
}

TEST(BackendUrl, WhatIsNoUrlIsNoApplication) {
  for (const char* url : {"", "fcgi", "fcgi:", "unix:/x", "unix:/x|", "/run/x.sock", "unix", ":", "://"}) {
    EXPECT_FALSE(is_application_of_this_host(url)) << url;
  }
}

}  // namespace
}  // namespace socket_handoff
