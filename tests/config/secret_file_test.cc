// SPDX-License-Identifier: Apache-2.0
#include "config/secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "config/command_line.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

using testing::HasSubstr;

class SecretFileTest : public testing::Test {
 protected:
  void TearDown() override {
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("OPENAI_API_KEY");
  }
  std::string write(const std::string& text, const std::string& name = "key") {
    std::ofstream(directory.file(name.c_str())) << text;
    return directory.file(name.c_str());
  }
  Result<CommandLine> read_config(const std::string& text) {
    const std::string path = write(text, "config.toml");
    const char* arguments[] = {"streaming-daemon", "--config", path.c_str()};
    return read_command_line(3, arguments);
  }

  TemporaryDirectory directory;
};

TEST_F(SecretFileTest, TrimsWhiteSpaceAroundASecret) {
  EXPECT_EQ(*read_secret_file(write(" sk-1 \r\n\n")), "sk-1");
}

TEST_F(SecretFileTest, NamesASecretFileThatCannotBeUsed) {
  const std::string missing = directory.file("missing");
  EXPECT_EQ(read_secret_file(missing).error().message,
            "cannot read the key in " + missing + ": No such file or directory");
  const std::string path = directory.file("key");
  write("\n");
  EXPECT_EQ(read_secret_file(path).error().message, "there is no key in " + path);
  write("sk-1\nX-Other: 1");
  EXPECT_EQ(read_secret_file(path).error().message,
            "the key in " + path + " must be one line without control characters");
  write(std::string(100'000, 'x'));
  EXPECT_EQ(read_secret_file(path).error().message, "the key in " + path + " is too long");
}

TEST_F(SecretFileTest, MayBeACredentialOfSystemd) {
  write("sk-1");
  EXPECT_THAT(read_secret_file("%d/key").error().message, HasSubstr("%d/key: systemd has passed no credentials"));
  setenv("CREDENTIALS_DIRECTORY", directory.file("").c_str(), 1);
  EXPECT_EQ(*read_secret_file("%d/key"), "sk-1");
}

TEST_F(SecretFileTest, GoesBehindTheEnvironmentAndBeforeTheConfiguration) {
  const std::string both = "[backend.openai]\napi_key = \"of-config\"\napi_key_file = \"" + write("of-file\n") + "\"\n";
  EXPECT_EQ(read_config(both)->config.openai_api_key, "of-file");
  setenv("OPENAI_API_KEY", "of-environment\n", 1);
  EXPECT_EQ(read_config(both)->config.openai_api_key, "of-environment");
}

TEST_F(SecretFileTest, StopsTheStartWhenItCannotBeRead) {
  const std::string missing = directory.file("missing");
  const Result<CommandLine> line = read_config("[backend.anthropic]\napi_key_file = \"" + missing + "\"\n");
  ASSERT_FALSE(line.ok());
  EXPECT_THAT(line.error().message, HasSubstr(missing));
}

}  // namespace
}  // namespace streaming
