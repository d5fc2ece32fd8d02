// SPDX-License-Identifier: Apache-2.0
// Each layer of the daemon includes only layers to its left, and a library's header only where it belongs.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// base < config, metrics, tls < client < ring < sse, handoff, files, process, upstream < store < backends < answers
// < stream < server
const std::map<std::string, int> kRank{{"base", 0},     {"config", 1}, {"metrics", 1},  {"tls", 1},     {"client", 2},
                                       {"ring", 3},     {"sse", 4},    {"handoff", 4},  {"files", 4},   {"process", 4},
                                       {"upstream", 4}, {"store", 5},  {"backends", 6}, {"answers", 7}, {"stream", 8},
                                       {"server", 9}};

struct Include {
  std::string file;    // relative to daemon/
  std::string layer;   // that it is in
  std::string header;  // as written
};

std::vector<Include> all_includes() {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
  const fs::path root = fs::path(SOURCE_DIR) / "daemon";
  std::vector<Include> includes;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const fs::path file = fs::relative(entry.path(), root);
    if (file.extension() != ".h" && file.extension() != ".cc") continue;
    std::ifstream stream(entry.path());
    std::smatch match;
    for (std::string line; std::getline(stream, line);) {
      if (std::regex_search(line, match, kInclude)) {
        includes.push_back({file.string(), file.begin()->string(), match[1]});
      }
    }
  }
  return includes;
}

TEST(Layers, IncludeOnlyWhatIsToTheirLeft) {
  int checked = 0;
  for (const Include& include : all_includes()) {
    const std::string target = include.header.substr(0, include.header.find('/'));
    if (!kRank.contains(target) || !kRank.contains(include.layer) || target == include.layer) continue;
    ++checked;
    EXPECT_LT(kRank.at(target), kRank.at(include.layer)) << include.file << " includes " << include.header;
  }
  EXPECT_GT(checked, 50);
}

// In backends/, one API's folder can be read, changed or removed without the others.
TEST(Layers, KeepEachBackendsHeadersInItsFolder) {
  const std::string layer = "backends/";
  int checked = 0;
  for (const Include& include : all_includes()) {
    if (!include.header.starts_with(layer)) continue;
    const std::size_t end = include.header.find('/', layer.size());
    if (end == std::string::npos || include.header.starts_with(layer + "wrapping/")) continue;
    ++checked;
    EXPECT_TRUE(include.file.starts_with(include.header.substr(0, end + 1)))
        << include.file << " includes " << include.header;
  }
  EXPECT_GT(checked, 10);
}

TEST(Layers, KnowEachDirectoryOfTheDaemon) {
  for (const auto& entry : fs::directory_iterator(fs::path(SOURCE_DIR) / "daemon")) {
    if (!entry.is_directory()) continue;
    EXPECT_TRUE(kRank.contains(entry.path().filename().string())) << entry.path();
  }
}

TEST(Layers, KeepLibrariesWhereTheyBelong) {
  // For a library with many headers: their directory.
  const std::map<std::string, std::set<std::string>> homes{
      {"liburing.h", {"ring"}},      {"sys/epoll.h", {"ring"}},      {"ares.h", {"upstream"}},          {"curl/", {"upstream"}},
      {"boost/", {"upstream"}},
      {"hiredis/", {"store"}},
      {"nghttp2/", {"upstream"}},    {"openssl/", {"tls", "upstream"}}, {"CLI/CLI.hpp", {"config"}},
      {"toml++/toml.h", {"config"}}, {"yaml-cpp/", {"config"}}};
  for (const Include& include : all_includes()) {
    auto found = homes.find(include.header);
    if (found == homes.end()) found = homes.find(include.header.substr(0, include.header.find('/') + 1));
    if (found == homes.end()) continue;
    EXPECT_TRUE(found->second.contains(include.layer)) << include.file << " includes " << include.header;
  }
}

}  // namespace
