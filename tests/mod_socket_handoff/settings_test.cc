// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/settings.h"

#include <gtest/gtest.h>

#include <string>

namespace socket_handoff {
namespace {

using std::chrono::milliseconds;

TEST(Settings, EmptyConfigurationHasTheDocumentedDefaults) {
  const Settings settings;
  EXPECT_TRUE(settings.enabled());
  EXPECT_EQ(settings.allowed_prefixes(), Prefixes::Value("/run/streaming-daemon.sock", "/run/streaming-daemon/"));
  EXPECT_FALSE(settings.stream_sockets());
  EXPECT_FALSE(settings.allow_proxied());
  EXPECT_FALSE(settings.acknowledge());
  EXPECT_EQ(settings.acknowledge_timeout(), milliseconds(1000));
  EXPECT_EQ(settings.max_data_size(), 1 << 20);
  EXPECT_EQ(settings.drain_timeout(), milliseconds(5000));
  EXPECT_EQ(settings.forward_headers().span().size(), 9u);
  EXPECT_EQ(settings.connect_timeout(), milliseconds(500));
  EXPECT_EQ(settings.send_timeout(), milliseconds(500));
  EXPECT_EQ(settings.max_retries(), 3);
  EXPECT_FALSE(settings.tls());
  EXPECT_TRUE(settings.tls_users().span().empty());
  EXPECT_FALSE(settings.http2());
  EXPECT_EQ(settings.http2_wait(), milliseconds(100));
  EXPECT_TRUE(settings.http2_proxies().span().empty());
}

TEST(Settings, InnerSectionKeepsWhatItDoesNotRepeat) {
  Settings server;
  server.enabled_ = false;
  server.max_retries_ = 7;
  Settings virtual_host;
  virtual_host.max_retries_ = 0;

  const Settings merged = merge(server, virtual_host);
  EXPECT_FALSE(merged.enabled());
  EXPECT_EQ(merged.max_retries(), 0);
  EXPECT_EQ(merged.send_timeout(), milliseconds(500));
}

TEST(Settings, InnerSectionCanReturnToADefault) {
  Settings server;
  server.enabled_ = false;
  Settings location;
  location.enabled_ = true;
  EXPECT_TRUE(merge(server, location).enabled());
}

// Every member takes part in the merge: a member forgotten there would keep its default in `merged`.
TEST(Settings, MergeCarriesEveryMember) {
  Settings server;
#define SETTING(type, member, directive, standard, help) server.member##_ = Settings().member();
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
  const Settings merged = merge(server, Settings());
#define SETTING(type, member, directive, standard, help) EXPECT_TRUE(merged.member##_.has_value()) << directive;
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
}

TEST(Settings, EveryDirectiveHasTheModulesPrefixAndHelpWithoutAFullStop) {
#define SETTING(type, member, directive, standard, help)                    \
  EXPECT_EQ(std::string(directive).find("SocketHandoff"), 0u) << directive; \
  EXPECT_NE(std::string(help).back(), '.') << directive;
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
}

TEST(Switch, TakesOnAndOffInAnyCase) {
  EXPECT_EQ(Switch::parse("On"), true);
  EXPECT_EQ(Switch::parse("off"), false);
  EXPECT_EQ(Switch::parse("yes"), std::nullopt);
  EXPECT_EQ(Switch::parse(""), std::nullopt);
}

TEST(Count, TakesWholeNumbersOfItsRange) {
  using Number = Count<1, 20>;
  EXPECT_EQ(Number::parse("1"), 1);
  EXPECT_EQ(Number::parse("20"), 20);
  EXPECT_EQ(Number::parse("007"), 7);
}

TEST(Count, RefusesWhatIsNoNumberOrOutOfRange) {
  using Number = Count<1, 20>;
  for (const char* word : {"", "0", "21", "-1", "+1", " 1", "1 ", "1s", "1.5", "0x1", "99999999999999999999999999"}) {
    EXPECT_EQ(Number::parse(word), std::nullopt) << '"' << word << '"';
  }
}

TEST(Milliseconds, SayWhatTheyTake) {
  char description[kMaxDescriptionBytes];
  Timeout::describe(description);
  EXPECT_STREQ(description, "a whole number of milliseconds from 1 to 60000");
}

TEST(Prefix, MustBeAbsoluteAndWithoutParentReferences) {
  EXPECT_STREQ(Prefix::parse("/run/").value_or(""), "/run/");
  EXPECT_EQ(Prefix::parse("run"), std::nullopt);
  EXPECT_EQ(Prefix::parse("/run/../etc"), std::nullopt);
  EXPECT_EQ(Prefix::parse("/run/.."), std::nullopt);
}

TEST(Networks, ContainTheAddressesOfTheirPrefix) {
  struct {
    const char* network;
    const char* inside;
    const char* outside;
  } const kCases[] = {{"192.0.2.1", "192.0.2.1", "192.0.2.2"},
                      {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
                      {"192.0.2.128/25", "192.0.2.200", "192.0.2.127"},
                      {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
                      {"10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"},
                      {"0.0.0.0/0", "203.0.113.9", "::1"}};
  for (const auto& example : kCases) {
    const std::optional<Network> network = Network::parse(example.network);
    ASSERT_TRUE(network) << example.network;
    EXPECT_TRUE(network->contains(*Network::parse(example.inside))) << example.network << ' ' << example.inside;
    EXPECT_FALSE(network->contains(*Network::parse(example.outside))) << example.network << ' ' << example.outside;
  }
}

TEST(Networks, AreAddressesWithAPrefixOrNone) {
  EXPECT_EQ(Networks::parse("none"), Networks::Value());
  for (const char* word : {"", "host", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "::/129", "::/1x", "/8",
                           "1234:1234:1234:1234:1234:1234:123.123.123.1234/8"}) {
    EXPECT_EQ(Networks::parse(word), std::nullopt) << word;
  }
}

TEST(HeaderNames, AreNamesOrNone) {
  EXPECT_EQ(HeaderNames::parse("none"), HeaderNames::Value());
  EXPECT_EQ(HeaderNames::parse("X-Trace_1"), HeaderNames::Value("X-Trace_1"));
  for (const char* word : {"", "X Y", "X:", "X\r\nY", "caf\xe9"}) EXPECT_EQ(HeaderNames::parse(word), std::nullopt);
}

TEST(HeaderNames, NoneStandsAlone) {
  HeaderNames::Value list("Vary");
  EXPECT_STREQ(HeaderNames::append(list, "None"), "stands alone, and follows other names");
  HeaderNames::Value none = HeaderNames::parse("None").value();
  EXPECT_STREQ(HeaderNames::append(none, "Vary"), "follows None, which stands alone");
}

TEST(Users, AreNamesOrNumbersOrNone) {
  EXPECT_EQ(Users::parse("root"), Users::Value(0u));
  EXPECT_EQ(Users::parse("1234"), Users::Value(1234u));
  EXPECT_EQ(Users::parse("None"), Users::Value());
  for (const char* word : {"", "nobody there", "-1", "4294967295"}) EXPECT_EQ(Users::parse(word), std::nullopt) << word;
  Users::Value list(1234u);
  EXPECT_EQ(Users::append(list, "root"), nullptr);
  EXPECT_EQ(list, Users::Value(1234u, 0u));
}

TEST(DataSize, GoesTo64MiB) {
  EXPECT_EQ(DataSize::parse("67108864"), 64 << 20);
  EXPECT_EQ(DataSize::parse("67108865"), std::nullopt);
  EXPECT_EQ(DataSize::parse("0"), std::nullopt);
}

TEST(Prefixes, GrowWhereTheDirectiveIsRepeated) {
  Prefixes::Value list = Prefixes::parse("/run/").value();
  EXPECT_EQ(Prefixes::append(list, "/srv/"), nullptr);
  EXPECT_EQ(list, Prefixes::Value("/run/", "/srv/"));
  EXPECT_EQ(Prefixes::parse("run"), std::nullopt);
  while (list.span().size() < 16) EXPECT_EQ(Prefixes::append(list, "/x/"), nullptr);
  EXPECT_STREQ(Prefixes::append(list, "/one/too/many"), "is one too many");
}

TEST(Settings, InnerSectionsListTakesTheOuterOnesPlace) {
  Settings server;
  server.allowed_prefixes_ = Prefixes::Value("/a", "/b");
  Settings location;
  location.allowed_prefixes_ = Prefixes::Value("/c");
  EXPECT_EQ(merge(server, location).allowed_prefixes(), Prefixes::Value("/c"));
  EXPECT_EQ(merge(server, Settings()).allowed_prefixes(), Prefixes::Value("/a", "/b"));
}

}  // namespace
}  // namespace socket_handoff
