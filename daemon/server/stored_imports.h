// SPDX-License-Identifier: Apache-2.0
// StoredImports: answers that workers of other hosts have, read from the store. A hand-off for an answer that this
// process does not have asks the store; if the store has it, it becomes a kept answer here, which follows it there.
//
// One per worker that has a store, owned by it, on its thread; the store outlives it. An answer is read once, whatever
// the number of clients who follow it here, and no longer than one does.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "answers/answer_table.h"
#include "base/slab.h"
#include "handoff/client.h"
#include "handoff/handoff_request.h"
#include "metrics/counters.h"
#include "ring/timer_wheel.h"
#include "server/answer_imports.h"
#include "server/import_source.h"
#include "store/store.h"

namespace streaming {

class StoredImports {
 public:
  // Borrows all but the outcome.
  StoredImports(Store& store, TimerWheel& timers, AnswerTable& answers, Counters& counters,
                AnswerImports::Outcome outcome);
  ~StoredImports();

  // Whether no answer begins whose id the store has not given to this worker.
  void set_required(bool required) { required_ = required; }

  // Whether the store may know more about the answer that the request names.
  bool can_ask(const HandoffRequest& request) const { return !request.store_asked; }
  // Takes the client with its assignment, and the request.
  void ask(Client client, std::unique_ptr<HandoffRequest> request);

  bool empty() const { return imports_.size() == 0; }

 private:
  class Import;

  void note_claim();
  void note_no_claim(std::string_view reason);

  Store& store_;
  TimerWheel& timers_;
  AnswerTable& answers_;
  Counters& counters_;
  const AnswerImports::Outcome outcome_;
  ImportSource source_;
  bool required_ = false;
  bool alone_ = false;  // the last answer has begun without a claim
  Slab<Import> imports_;
  std::unordered_map<std::string, Import*> looking_;  // whom further hand-offs of the same action and id join
};

}  // namespace streaming
