// SPDX-License-Identifier: Apache-2.0
// HttpService: what a server does with requests, whichever HTTP carries them.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "simulation/peer.h"

namespace streaming::simulation {

struct ServedRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  // in lower case
  std::string body;                            // so far, if it is answered early
  Mishaps mishaps;                             // of the connection's way
};

// Who is told what becomes of a reply. Outlives the servers.
class ReplyWatcher {
 public:
  virtual void on_head_sent() = 0;
  // That many more bytes of the body were given to the network.
  virtual void on_body_sent(std::size_t bytes) = 0;
  // The whole body was, with the end that HTTP gives it.
  virtual void on_whole() = 0;
  // No more is sent. `loses_sent`: of what was sent some may never arrive.
  virtual void on_broken(bool loses_sent) = 0;
  // Behind one of those two: the connection is lost, with what is still under way.
  virtual void on_connection_lost() {}
  // The server has told the client that it has not looked at the request.
  virtual void on_refused() = 0;

 protected:
  ~ReplyWatcher() = default;
};

struct Reply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};  // in lower case, without those of the framing
  std::string body = {};
  ReplyWatcher* watcher = nullptr;  // null: nobody
};

class HttpService {
 public:
  virtual ~HttpService() = default;

  // A request whose body has come.
  virtual Reply reply(const ServedRequest& request) = 0;
};

// How well a server serves. Each is one in so many requests, or connections; 0: none.
struct ServerManners {
  unsigned cuts = 8;         // answers that break off, by one of the ways that there are
  unsigned stalls = 16;      // answers that come to a halt
  unsigned slow = 4;         // answers with pauses of seconds
  unsigned early = 16;       // answers before the request has come
  unsigned dead = 24;        // connections that are lost before they are of use
  unsigned mischief = 4;     // connections with what protocols allow, and clients forget
  Duration longest_pause{4000};
};

}  // namespace streaming::simulation
