// SPDX-License-Identifier: Apache-2.0
// SuccessorChannel: what the daemon that has taken this one's place asks of the answers that are kept here. Each question
// is a hand-off whose client is one end of a socket pair (see server/predecessor.h).
//
// Made by the Server, on the main thread, when the successor serves. A question for an unknown answer waits until this
// daemon has decided on all clients that it has accepted, because one of them may ask for that answer.

#pragma once

#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "handoff/client.h"
#include "handoff/handoff_request.h"
#include "server/workforce.h"

namespace streaming {

class SuccessorChannel {
 public:
  SuccessorChannel(UniqueFd channel, Workforce& workforce) : channel_(std::move(channel)), workforce_(workforce) {}

  // To be read when readable; -1 while too many questions wait.
  int descriptor() const;
  // Reads some of what there is. False once the successor has ended.
  bool read();
  // A worker has settled: decides on what waits once all have.
  void on_settled();

 private:
  struct Question {
    Client client;
    std::unique_ptr<HandoffRequest> request;
  };

  // What a read of one question has found.
  enum class Found { kQuestion, kNothing, kEnd };
  Found read_one();
  void answer(Question question);

  const UniqueFd channel_;
  Workforce& workforce_;
  std::vector<Question> waiting_;
};

}  // namespace streaming
