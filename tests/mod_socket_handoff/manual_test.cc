// SPDX-License-Identifier: Apache-2.0
// docs/MODULE.md has an entry for every directive, with the default and the context that hold, and every log message.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "mod_socket_handoff/settings.h"
#include "written_value.h"

namespace socket_handoff {
namespace {

using Rows = std::map<std::string, std::string>;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << " cannot be read";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string manual() {
  return read_file(std::filesystem::path(SOURCE_DIRECTORY) / "docs/MODULE.md");
}

// The table of each section "### SocketHandoff...": "| Default | `SocketHandoffX 1` |" gives ["Default"] = that text.
std::map<std::string, Rows> entries() {
  static const std::regex kRow(R"(^\| (\w+) \| (.*) \|$)");
  std::map<std::string, Rows> entries;
  std::istringstream lines(manual());
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) section = line.starts_with("### SocketHandoff") ? line.substr(4) : "";
    std::smatch row;
    if (!section.empty()) entries[section];
    if (!section.empty() && std::regex_match(line, row, kRow)) entries[section][row[1]] = row[2];
  }
  return entries;
}

// What stands in the row behind the directive's name: `SocketHandoffX 1` gives "1".
std::string value_in(const Rows& rows, const std::string& row, const std::string& directive) {
  const auto found = rows.find(row);
  const std::string text = found == rows.end() ? "" : found->second;
  const std::string begin = "`" + directive + " ";
  EXPECT_TRUE(text.starts_with(begin) && text.ends_with("`")) << directive << ", " << row << ": " << text;
  return text.size() > begin.size() ? text.substr(begin.size(), text.size() - begin.size() - 1) : "";
}

template <class Type>
void expect_entry(const Rows& rows, const std::string& directive, const typename Type::Value& standard) {
  std::string text = value_in(rows, "Default", directive);
  const auto value = parse_written<Type>(text);
  EXPECT_TRUE(value.has_value() && *value == standard) << directive << " has another default in the code";
  EXPECT_NE(value_in(rows, "Syntax", directive), "");
  for (const char* row : {"Description", "Context", "Override", "Status", "Module", "Since"}) {
    EXPECT_TRUE(rows.contains(row)) << directive << " has no row " << row;
  }
  if (!rows.contains("Context")) return;
  // The contexts of mod_socket_handoff.cc.
  constexpr bool kMayStandInHtaccess = std::is_same_v<Type, SwitchOffInHtaccess>;
  EXPECT_EQ(rows.at("Context").ends_with(".htaccess"), kMayStandInHtaccess) << directive;
  EXPECT_EQ(rows.at("Override"), kMayStandInHtaccess ? "FileInfo" : "none") << directive;
}

// Ranges are written as MINIMUM-MAXIMUM; the code describes them as "... from MINIMUM to MAXIMUM".
template <class Type>
void expect_range(const Rows& rows, const std::string& directive) {
  char description[kMaxDescriptionBytes];
  Type::describe(description);
  std::cmatch range;
  if (!std::regex_search(description, range, std::regex("from ([0-9]+) to ([0-9]+)"))) return;
  EXPECT_EQ(value_in(rows, "Syntax", directive), range[1].str() + "-" + range[2].str()) << directive;
}

std::set<std::string> matches_in(const std::string& text, const std::regex& pattern, const std::string& before = "") {
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    found.insert(before + (*match)[1].str());
  }
  return found;
}

TEST(Manual, HasAnEntryForEveryDirectiveAndNoOther) {
  std::map<std::string, Rows> described = entries();
#define SETTING(type, member, directive, standard, help)                    \
  EXPECT_TRUE(described.contains(directive)) << directive << " is missing"; \
  expect_entry<type>(described[directive], directive, Settings().member()); \
  expect_range<type>(described[directive], directive);                      \
  described.erase(directive);
  SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
  for (const auto& [name, rows] : described) ADD_FAILURE() << name << " is no directive of the module";
}

TEST(Manual, ListsEveryLogMessageAndNoOther) {
  std::set<std::string> logged;
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(SOURCE_DIRECTORY) / "mod_socket_handoff")) {
    if (file.path().extension() != ".cc") continue;
    logged.merge(matches_in(read_file(file.path()), std::regex(R"(SHLOGNO\(([0-9]+)\))"), "SH0"));
  }
  EXPECT_FALSE(logged.empty());
  EXPECT_EQ(matches_in(manual(), std::regex(R"(\n\| `(SH[0-9]+)` \|)")), logged);
}

}  // namespace
}  // namespace socket_handoff
