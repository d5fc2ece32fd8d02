// SPDX-License-Identifier: Apache-2.0
// ImportSource: the backend of kept answers that another daemon runs. ImportedAnswer: who reads such an answer there, and
// hands its events on.
//
// A source per kind of import, owned by the worker's imports, on its thread. An ImportedAnswer may end before its kept
// answer, and the other way round.

#pragma once

#include <memory>
#include <string_view>

#include "answers/answer_table.h"
#include "backends/backend.h"

namespace streaming {

class ImportedAnswer {
 public:
  // The kept answer, which wants the events from now on; null: no more.
  virtual void set_sink(EventSink* sink) = 0;
  // The kept answer's session.
  std::unique_ptr<BackendSession> make_session();

 protected:
  ImportedAnswer() = default;
  ~ImportedAnswer();

 private:
  class Session;

  Session* session_ = nullptr;  // the kept answer's, while that lives
};

// What the other daemon reports of it; each may be anything.
struct ImportedFacts {
  std::string_view id;
  std::string_view user;
  std::string_view format;
  std::string_view backend;
  bool continues_without_clients = false;
};

class ImportSource final : public Backend {
 public:
  // `name`: what the log calls its answers.
  ImportSource(AnswerTable& answers, std::string_view name) : answers_(answers), name_(name) {}

  // Makes the kept answer and begins it. As AnswerTable::import(); refused as well if its format is unknown, or its user
  // is none that a hand-off can name.
  AnswerTable::Started begin(ImportedAnswer& import, const ImportedFacts& facts);

  std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) override;
  std::string_view answer_id() const override { return name_; }

 private:
  AnswerTable& answers_;
  const std::string_view name_;
  ImportedAnswer* next_ = nullptr;  // whose answer begins
};

}  // namespace streaming
