// conf/socket_handoff.conf names every directive with its default, so that an administrator reads there what holds.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "mod_socket_handoff/settings.h"

namespace socket_handoff {
namespace {

// Directives of the shipped file, whether they are commented out ("#SocketHandoffX value") or not.
std::map<std::string, std::string> shipped_directives() {
  std::map<std::string, std::string> directives;
  std::ifstream file(SHIPPED_CONFIGURATION);
  EXPECT_TRUE(file) << SHIPPED_CONFIGURATION << " cannot be read";
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::string value;
    words >> name >> value;
    if (name.starts_with('#')) name.erase(0, 1);
    if (name.starts_with("SocketHandoff")) directives[name] = value;
  }
  return directives;
}

template <class Value>
Value comparable(Value value) {
  return value;
}
std::string comparable(const char* text) {
  return text;
}

TEST(ShippedConfiguration, NamesEveryDirectiveWithItsDefaultAndNoOther) {
  std::map<std::string, std::string> shipped = shipped_directives();
#define SETTING(type, member, directive, standard, help)                                                  \
  {                                                                                                       \
    const auto value = type::parse(shipped[directive].c_str());                                           \
    ASSERT_TRUE(value.has_value()) << directive << " '" << shipped[directive] << "' is missing or wrong"; \
    EXPECT_EQ(comparable(*value), comparable(Settings().member())) << directive;                          \
    shipped.erase(directive);                                                                             \
  }
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
  for (const auto& [name, value] : shipped) ADD_FAILURE() << name << " is no directive of the module";
}

}  // namespace
}  // namespace socket_handoff
