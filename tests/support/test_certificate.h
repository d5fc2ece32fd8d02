// SPDX-License-Identifier: Apache-2.0
// TestCertificate: certificates and their keys, in files: a self-signed one, and one that an authority has signed.

#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "support/temporary_directory.h"

namespace streaming {

class TestCertificate {
 public:
  // `names` in the form of openssl's subjectAltName: "IP:127.0.0.1", "DNS:localhost".
  explicit TestCertificate(const std::string& names = "IP:127.0.0.1") {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost "
        "-addext subjectAltName=" +
        names + " -keyout " + key() + " -out " + certificate() + " 2>/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }

  std::string key() const { return directory_.file("key.pem"); }
  std::string certificate() const { return directory_.file("certificate.pem"); }

 private:
  TemporaryDirectory directory_;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& names = "IP:127.0.0.1") {
    const std::string make_key = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 ";
    for (const std::string& command :
         {make_key + "-x509 -subj /CN=authority -keyout " + directory_.file("authority.key") + " -out " + authority(),
          make_key + "-subj /CN=localhost -keyout " + key() + " -out " + directory_.file("request.pem"),
          "printf subjectAltName=" + names + " > " + directory_.file("names"),
          "openssl x509 -req -days 1 -in " + directory_.file("request.pem") + " -CA " + authority() + " -CAkey " +
              directory_.file("authority.key") + " -CAcreateserial -extfile " + directory_.file("names") + " -out " +
              certificate()}) {
      EXPECT_EQ(std::system(("(" + command + ") 2>/dev/null").c_str()), 0) << command;
    }
  }

  std::string authority() const { return directory_.file("authority.pem"); }
  std::string key() const { return directory_.file("key.pem"); }
  std::string certificate() const { return directory_.file("certificate.pem"); }

 private:
  TemporaryDirectory directory_;
};

}  // namespace streaming
