// SPDX-License-Identifier: Apache-2.0
// HookServer: the hook of tests/servers/hook as a process, and the reports that it has got.

#pragma once

#include <rapidjson/document.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "support/server_process.h"
#include "support/temporary_directory.h"

namespace streaming {

class HookServer {
 public:
  static constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  // One post of a report.
  struct Post {
    std::string id;
    int post = 0;  // of this report, from 1
    int status = 0;
    std::string report;  // as JSON; a text if it was not verified
    rapidjson::Document json;

    // A member of the report that is a string; empty if there is none.
    std::string text(const char* member) const {
      const bool found = json.IsObject() && json.HasMember(member) && json[member].IsString();
      return found ? json[member].GetString() : "";
    }
  };

  HookServer() { start(); }

  void start() { process_.start({SOURCE_DIR "/tests/servers/hook/start", kSecret, file()}); }
  void stop() { process_.stop(); }

  // The table of a hook whose URL has that path.
  std::string settings(const std::string& name, const std::string& path) const {
    return "[answers.hooks." + name + "]\nurl = \"http://127.0.0.1:" + std::to_string(process_.port()) + path +
           "\"\nsecret = \"" + kSecret + "\"\n";
  }

  std::vector<Post> posts() const {
    std::vector<Post> posts;
    std::ifstream lines(file());
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
      rapidjson::Document read;
      read.Parse(line.c_str());
      Post post{read["id"].IsString() ? read["id"].GetString() : "", read["post"].GetInt(), read["status"].GetInt(), line, {}};
      post.json.CopyFrom(read["report"], post.json.GetAllocator());
      posts.push_back(std::move(post));
    }
    return posts;
  }

 private:
  std::string file() const { return directory_.file("reports"); }

  TemporaryDirectory directory_;
  ServerProcess process_;
};

}  // namespace streaming
