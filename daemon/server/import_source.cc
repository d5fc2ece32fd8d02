// SPDX-License-Identifier: Apache-2.0
#include "server/import_source.h"

#include <utility>

#include "backends/registry.h"
#include "handoff/limits.h"
#include "stream/limits.h"

namespace streaming {

class ImportedAnswer::Session final : public BackendSession {
 public:
  explicit Session(ImportedAnswer& import) : import_(&import) { import.session_ = this; }
  ~Session() override {
    if (import_ != nullptr) import_->session_ = nullptr;
  }

  void pause() override {}
  void resume() override {}
  void cancel() override {
    if (import_ != nullptr) import_->set_sink(nullptr);
  }
  void on_import_over() { import_ = nullptr; }

 private:
  ImportedAnswer* import_;  // null once it is over
};

ImportedAnswer::~ImportedAnswer() {
  if (session_ != nullptr) session_->on_import_over();
}

std::unique_ptr<BackendSession> ImportedAnswer::make_session() {
  return std::make_unique<Session>(*this);
}

AnswerTable::Started ImportSource::begin(ImportedAnswer& import, const ImportedFacts& facts) {
  const std::optional<Format> format = find_format(facts.format);
  const bool is_usable = format && facts.user.size() <= kMaxIdBytes;
  if (!is_usable) return {.refusal = Refusal{503, "the answer cannot be read now, try again soon", kRetryAfterSeconds}};
  auto request = std::make_unique<HandoffRequest>();
  request->answer_id = facts.id;
  request->user_id = facts.user;
  request->continue_without_client = facts.continues_without_clients;
  const BackendEntry* const backend = find_backend(facts.backend);
  set_index(backend == nullptr ? 0 : static_cast<std::size_t>(backend - backend_registry().data()));
  const AnswerTable::Started started = answers_.import(*request, *format, *this);
  if (started.answer == nullptr) return started;
  next_ = &import;
  started.answer->begin(std::move(request));
  return started;
}

std::unique_ptr<BackendSession> ImportSource::answer(std::unique_ptr<HandoffRequest>, EventSink& sink) {
  ImportedAnswer& import = *std::exchange(next_, nullptr);
  import.set_sink(&sink);
  return import.make_session();
}

}  // namespace streaming
