// SPDX-License-Identifier: Apache-2.0
// AnswerImports: answers that this daemon's predecessor has, during and after an upgrade. A hand-off that names an
// answer which this daemon does not know waits until the predecessor has been asked. If it has the answer, this daemon
// follows it once, and keeps it for all who ask from then on; the predecessor is the answer's backend.
//
// One per worker, owned by it, on its thread.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "answers/answer_table.h"
#include "base/slab.h"
#include "handoff/client.h"
#include "handoff/handoff_request.h"
#include "ring/completion_table.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "server/import_source.h"
#include "server/predecessor.h"

namespace streaming {

class AnswerImports {
 public:
  // Both take a client with its assignment of the WorkerLoad.
  struct Outcome {
    // The predecessor has sent all that it has, or is gone: decide again.
    std::function<void(Client client, std::unique_ptr<HandoffRequest> request)> decide;
    std::function<void(Client client, const Refusal& answer)> answer;
  };

  // Borrows all but the outcome; `predecessor` may be null. `descriptors`: Capacity::descriptors.
  AnswerImports(Ring& ring, TimerWheel& timers, Predecessor* predecessor, int descriptors, AnswerTable& answers,
                Outcome outcome);
  ~AnswerImports();

  // Whether the predecessor may know more about the answer that the request names.
  bool can_ask(const HandoffRequest& request) const;
  // Takes the client with its assignment, and the request.
  void ask(Client client, std::unique_ptr<HandoffRequest> request);
  // Likewise, if the answer is being taken over and what the predecessor has kept of it has not come yet.
  bool wait(Client& client, std::unique_ptr<HandoffRequest>& request);

  void enter_at(CompletionTable& completions);
  bool empty() const { return imports_.size() == 0; }

 private:
  class Import;

  struct Waiting {
    Client client;
    std::unique_ptr<HandoffRequest> request;
  };

  Import* find(std::string_view id);

  Ring& ring_;
  TimerWheel& timers_;
  Predecessor* const predecessor_;
  const int descriptors_;
  const Outcome outcome_;
  ImportSource source_;
  Slab<Import> imports_;
};

}  // namespace streaming
