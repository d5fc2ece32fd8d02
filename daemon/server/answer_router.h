// SPDX-License-Identifier: Apache-2.0
// AnswerRouter: what becomes of a hand-off that names an answer. It begins the answer, joins it or stops it, on the
// worker that has it.
//
// One per worker, owned by it, on its thread. A hand-off that is sent on is decided again by the worker that gets it,
// because the answer may have ended on the way; it never touches another answer of the same id.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "answers/answer_table.h"
#include "handoff/admission.h"
#include "handoff/client.h"
#include "handoff/handoff_request.h"
#include "server/answer_imports.h"
#include "server/stored_imports.h"
#include "stream/stream_table.h"

namespace streaming {

class AnswerRouter {
 public:
  // Gives a client, with its assignment of the WorkerLoad, to another worker.
  using SendOn = std::function<void(std::uint32_t worker, Client client, std::unique_ptr<HandoffRequest> request)>;

  AnswerRouter(std::uint32_t worker, const AnswerDirectory& directory, AnswerTable& answers,
               AnswerImports& imports, StoredImports* stored, StreamTable& streams, Counters& counters,
               SendOn send_on)
      : worker_(worker),
        directory_(directory),
        answers_(answers),
        imports_(imports),
        stored_(stored),
        streams_(streams),
        counters_(counters),
        send_on_(std::move(send_on)) {}

  // Why no client gets this answer; nothing if one may.
  std::optional<Refusal> refusal_for(const HandoffRequest& request) const;
  // As ClientReceiver::on_client(). Nothing if there is no such answer and the hand-off asks for it: then the request
  // is still the caller's, which finds its backend and calls begin().
  std::optional<Admission> route(Client& client, std::unique_ptr<HandoffRequest>& request);
  Admission begin(Client& client, std::unique_ptr<HandoffRequest> request, Backend& backend);

 private:
  std::optional<Admission> without_answer(Client& client, const HandoffRequest& request);
  Admission join(Client& client, std::unique_ptr<HandoffRequest> request, KeptAnswer& answer);
  // Asks another daemon that may have the answer; false if there is none that was not asked.
  bool ask_others(Client& client, std::unique_ptr<HandoffRequest>& request);
  static void add_facts(HandoffRequest& request, const KeptAnswer& answer);
  Admission stop(Client& client, KeptAnswer& answer);
  Admission answer_at_once(Client& client, const Refusal& answer);

  const std::uint32_t worker_;
  const AnswerDirectory& directory_;
  AnswerTable& answers_;
  AnswerImports& imports_;
  StoredImports* const stored_;  // null: there is no store
  StreamTable& streams_;
  Counters& counters_;
  const SendOn send_on_;
};

}  // namespace streaming
