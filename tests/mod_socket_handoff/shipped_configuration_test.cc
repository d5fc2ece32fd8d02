// SPDX-License-Identifier: Apache-2.0
// conf/socket_handoff.conf names every directive with its default, so that an administrator reads there what holds.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "mod_socket_handoff/settings.h"
#include "written_value.h"

namespace socket_handoff {
namespace {

struct ShippedDirective {
  std::string value;
  bool is_in_force = false;  // and not commented out, as in "#SocketHandoffX value"
};

std::map<std::string, ShippedDirective> shipped_directives() {
  std::map<std::string, ShippedDirective> directives;
  std::ifstream file(SHIPPED_CONFIGURATION);
  EXPECT_TRUE(file) << SHIPPED_CONFIGURATION << " cannot be read";
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::string value;
    words >> name;
    std::getline(words >> std::ws, value);
    const bool is_in_force = !name.starts_with('#');
    if (!is_in_force) name.erase(0, 1);
    if (name.starts_with("SocketHandoff")) directives[name] = {value, is_in_force};
  }
  return directives;
}

TEST(ShippedConfiguration, NamesEveryDirectiveAndNoOtherAndShowsDefaultsInComments) {
  std::map<std::string, ShippedDirective> shipped = shipped_directives();
#define SETTING(type, member, directive, standard, help)                                    \
  {                                                                                         \
    auto& [text, is_in_force] = shipped[directive];                                         \
    const auto value = parse_written<type>(text);                                                   \
    ASSERT_TRUE(value.has_value()) << directive << " '" << text << "' is missing or wrong"; \
    EXPECT_NE(*value == Settings().member(), is_in_force) << directive;                     \
    shipped.erase(directive);                                                               \
  }
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
  for (const auto& [name, value] : shipped) ADD_FAILURE() << name << " is no directive of the module";
}

}  // namespace
}  // namespace socket_handoff
