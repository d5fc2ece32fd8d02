// A self-signed certificate and its key, in files of their own.

#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "support/temporary_directory.h"

namespace streaming {

class TestCertificate {
 public:
  // `names` as openssl's subjectAltName has them: "IP:127.0.0.1", "DNS:localhost".
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

}  // namespace streaming
