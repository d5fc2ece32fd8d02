// SPDX-License-Identifier: Apache-2.0
#include "answers/hook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answers/fake_hooks.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::Not;

// The example of Standard Webhooks' own libraries.
TEST(SigningKeys, SignAsStandardWebhooksHaveIt) {
  const Result<SigningKeys> keys = SigningKeys::parse(kHookSecret);
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(keys.value().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(SigningKeys, SignWithTheOldSecretTooWhileItIsChanged) {
  const std::string old = SigningKeys::parse(kHookSecret).value().sign("a", "1", "b");
  const std::string fresh = SigningKeys::parse("whsec_" + std::string(32, 'A')).value().sign("a", "1", "b");
  EXPECT_EQ(SigningKeys::parse("whsec_" + std::string(32, 'A') + "  " + kHookSecret).value().sign("a", "1", "b"),
            fresh + " " + old);
}

TEST(SigningKeys, RefuseWhatIsNoSecretAndDoNotRepeatIt) {
  for (const std::string& secret :
       {std::string(), std::string(" "), std::string("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), std::string("whsec_"),
        std::string("whsec_c2hvcnQ="), "whsec_" + std::string(92, 'A'), std::string("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2L*"),
        std::string(kHookSecret) + " x"}) {
    const Result<SigningKeys> keys = SigningKeys::parse(secret);
    ASSERT_FALSE(keys.ok()) << secret;
    EXPECT_THAT(keys.error().message, HasSubstr("24 to 64 random bytes"));
    EXPECT_THAT(keys.error().message, Not(HasSubstr("MfKQ")));
  }
}

TEST(Hooks, TakeWhatTheyDoNotSetFromTheirSection) {
  Config config;
  config.hook_secret = kHookSecret;
  config.hook_url = "http://localhost/all";
  config.hooks = {{"chat", {{"url", "https://localhost/chat"}, {"timeout_ms", "7"}}}, {"log", {}}};
  const Result<Hooks> hooks = make_hooks(config);
  ASSERT_TRUE(hooks.ok()) << hooks.error().message;
  EXPECT_EQ(hooks.value().at("chat").url, "https://localhost/chat");
  EXPECT_EQ(hooks.value().at("chat").timeout, Duration(7));
  EXPECT_EQ(hooks.value().at("log").url, "http://localhost/all");
}

TEST(Hooks, NeedAUrlAndASecret) {
  Config config;
  config.hooks = {{"chat", {}}};
  EXPECT_EQ(make_hooks(config).error().message, "answers.hooks.chat has no url: set where its reports go");
  config.hook_url = "http://localhost/";
  EXPECT_EQ(make_hooks(config).error().message,
            "answers.hooks.chat has no secret, and reports are never sent unsigned: set secret_file");
  config.hook_secret = "password";
  EXPECT_THAT(make_hooks(config).error().message, HasSubstr("the secret of answers.hooks.chat must be \"whsec_\""));
}

}  // namespace
}  // namespace streaming
