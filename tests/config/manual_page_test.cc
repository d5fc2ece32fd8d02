// SPDX-License-Identifier: Apache-2.0
#include "config/manual_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "config/command_line.h"
#include "config/option_table.h"

namespace streaming {
namespace {

using testing::HasSubstr;

// The page as a reader sees it.
std::string rendered(std::string roff) {
  roff = std::regex_replace(roff, std::regex(R"(\\f[A-Z])"), "");
  return std::regex_replace(roff, std::regex(R"(\\-)"), "-");
}

TEST(ManualPage, DescribesEverySettingWithItsNamesAndDefault) {
  const std::string page = rendered(manual_page());
  for (const Option& option : option_table()) {
    for (const std::string_view name : {option.flag, option.key, option.variable}) {
      EXPECT_THAT(page, HasSubstr(std::string(name)));
    }
    EXPECT_THAT(page, HasSubstr(option_text(Config{}, option)));
    EXPECT_THAT(page, HasSubstr(std::string(option.help)));
  }
}

TEST(ManualPage, DescribesEveryFlagOfHelp) {
  const char* const arguments[] = {"streaming-daemon", "--help"};
  const Result<CommandLine> line = read_command_line(2, arguments);
  ASSERT_TRUE(line.ok() && line.value().to_print);
  const std::string page = rendered(manual_page());
  const std::regex flag(R"(^ +(--[a-z0-9-]+))", std::regex::multiline);
  int flags = 0;
  const std::string& help = *line.value().to_print;
  for (std::sregex_iterator match(help.begin(), help.end(), flag), end; match != end; ++match, ++flags) {
    EXPECT_THAT(page, HasSubstr("\n.B " + match->str(1)));
  }
  EXPECT_GT(flags, 10);
}

TEST(ManualPage, LeavesNoHyphenThatRoffWouldTakeForAPrintersOne) {
  EXPECT_FALSE(std::regex_search(manual_page(), std::regex(R"([^\\]-)")));
}

}  // namespace
}  // namespace streaming
