// SPDX-License-Identifier: Apache-2.0
#include "server/daemon_status.h"

#include <prometheus/text_serializer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <sstream>
#include <vector>

#include "backends/registry.h"
#include "server/answer_totals.h"
#include "server/limits.h"
#include "server/metric_families.h"

namespace streaming {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write(Writer& writer, const char* name, std::string_view value) {
  if (value.empty()) return;
  writer.Key(name);
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void write(Writer& writer, const char* name, std::int64_t value) {
  writer.Key(name);
  writer.Int64(value);
}

void write_stream(Writer& writer, const std::string& id, const Stream& stream, Time now) {
  writer.StartObject();
  write(writer, "stream", id);
  if (const Stream::LogRecord* record = stream.log_record()) {
    write(writer, "request_id", record->request_id());
    write(writer, "user", record->user_id());
    write(writer, "model", record->model());
    write(writer, "apache_id", record->apache_id());
    write(writer, "client", record->client());
    write(writer, "path", record->path());
  }
  if (stream.backend() != nullptr) {
    write(writer, "backend", backend_registry()[stream.backend()->index()].name);
    write(writer, "answer", stream.backend()->answer_id());
  }
  write(writer, "transport", name(stream.transport()));
  write(writer, "state", kStreamStateNames[static_cast<std::size_t>(stream.state())]);
  write(writer, "age_ms", (now - stream.opened()).count());
  write(writer, "events", stream.events());
  write(writer, "bytes", static_cast<std::int64_t>(stream.bytes_sent()));
  writer.EndObject();
}

void write_answer(Writer& writer, const KeptAnswer& answer, std::uint32_t worker, Time now) {
  writer.StartObject();
  write(writer, "answer", answer.id());
  write(writer, "request_id", answer.request_id());
  write(writer, "user", answer.user());
  write(writer, "model", answer.asked_model());
  write(writer, "backend", backend_registry()[answer.index()].name);
  write(writer, "state", answer.running() ? "running" : info(answer.end()->cause).word);
  write(writer, "worker", static_cast<std::int64_t>(worker));
  write(writer, "age_ms", (now - answer.opened()).count());
  write(writer, "followers", answer.followers());
  write(writer, "events", answer.events());
  write(writer, "kept_bytes", static_cast<std::int64_t>(answer.kept_bytes()));
  writer.EndObject();
}

std::string to_json(const AnswerTotals& totals) {
  rapidjson::StringBuffer text;
  Writer writer(text);
  writer.StartObject();
  for (const auto& [name, value] : {std::pair{"running_answers", totals.running},
                                    {"ended_answers", totals.ended},
                                    {"kept_bytes", totals.bytes},
                                    {"followers", totals.followers},
                                    {"waiting_reports", totals.waiting_reports},
                                    {"undelivered_reports", totals.undelivered_reports}}) {
    write(writer, name, static_cast<std::int64_t>(value));
  }
  writer.EndObject();
  return text.GetString();
}

// A JSON array without its brackets, of at most kMostListed. `list` calls what it is given with each member, which it
// writes unless there are too many.
std::string array_of(const std::function<void(Writer& writer, const std::function<bool()>& has_room)>& list) {
  rapidjson::StringBuffer text;
  Writer writer(text);
  writer.StartArray();
  std::size_t listed = 0;
  list(writer, [&] { return listed++ < kMostListed; });
  writer.EndArray();
  return {text.GetString() + 1, text.GetSize() - 2};
}

// Of one worker, at one moment: the members of two arrays.
struct Listed {
  std::string streams, answers;
};

Listed list_of(Worker& worker) {
  const Time now = MonotonicClock::now();
  StreamTable& streams = worker.streams();
  return {.streams = array_of([&](Writer& writer, const auto& has_room) {
            streams.for_each([&](const Stream& stream) {
              if (has_room()) write_stream(writer, streams.id_of(stream), stream, now);
            });
          }),
          .answers = array_of([&](Writer& writer, const auto& has_room) {
            worker.answers().for_each([&](const KeptAnswer& answer) {
              if (has_room()) write_answer(writer, answer, worker.answers().worker(), now);
            });
          })};
}

// The members of all workers.
std::string joined(const std::vector<Listed>& all, std::string Listed::*members) {
  std::string text = "[";
  for (const Listed& listed : all) {
    if ((listed.*members).empty()) continue;
    if (text.size() > 1) text += ",";
    text += listed.*members;
  }
  return text + "]";
}

// A question to a worker. If the worker ends before it answers, the question is destroyed with the worker's other work.
template <typename Answer>
class Question {
 public:
  ~Question() {
    if (!answered_) answer_.set_value(std::nullopt);
  }
  std::future<std::optional<Answer>> answer() { return answer_.get_future(); }
  void set(Answer answer) {
    answered_ = true;
    answer_.set_value(std::move(answer));
  }

 private:
  std::promise<std::optional<Answer>> answer_;
  bool answered_ = false;
};

// The workers' answers, each made on the worker's own thread. A worker that has ended gives none; one that does not
// answer in time is counted as `silent`.
template <typename Answer>
std::vector<Answer> ask(std::span<const std::unique_ptr<Worker>> workers, const std::function<Answer(Worker&)>& ask_one,
                        std::size_t& silent) {
  std::vector<std::future<std::optional<Answer>>> answers;
  for (const std::unique_ptr<Worker>& worker : workers) {
    auto question = std::make_shared<Question<Answer>>();
    answers.push_back(question->answer());
    worker->post([question = std::move(question), ask_one, &worker = *worker] { question->set(ask_one(worker)); });
  }
  const auto deadline = std::chrono::steady_clock::now() + kWorkerAnswerTimeout;
  std::vector<Answer> given;
  silent = 0;
  for (std::future<std::optional<Answer>>& answer : answers) {
    if (answer.wait_until(deadline) != std::future_status::ready) {
      ++silent;
    } else if (std::optional<Answer> said = answer.get()) {
      given.push_back(std::move(*said));
    }
  }
  return given;
}

}  // namespace

std::string DaemonStatus::metrics() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, metric_families(workers_, requests_, capacity_, engine_, read_process_figures(),
                                                               answer_totals(workers_, journals_),
                                                               MonotonicClock::now() - started_));
  return text.str();
}

bool DaemonStatus::alive() const {
  const bool failed = std::any_of(workers_.begin(), workers_.end(),
                                  [](const auto& worker) { return !worker->running() && !worker->result().ok(); });
  std::size_t silent = 0;
  ask<char>(workers_, [](Worker&) { return 'y'; }, silent);
  return !failed && silent == 0;
}

bool DaemonStatus::ready() const {
  const StoreConnections store = store_connections();
  const bool lacks_store = store_required_.load(std::memory_order_relaxed) && store.connected < store.workers;
  return accepting_.load(std::memory_order_relaxed) && !lacks_store;
}

StoreConnections DaemonStatus::store_connections() const {
  StoreConnections connections;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    const std::optional<bool> connected = worker->running() ? worker->has_store() : std::nullopt;
    if (!connected) continue;
    ++connections.workers;
    connections.connected += *connected;
  }
  return connections;
}

std::string DaemonStatus::streams() const {
  std::size_t silent = 0;
  const std::vector<Listed> all = ask<Listed>(workers_, list_of, silent);
  return "{\"streams\":" + joined(all, &Listed::streams) + ",\"answers\":" + joined(all, &Listed::answers) +
         ",\"totals\":" + to_json(answer_totals(workers_, journals_)) + "}\n";
}

}  // namespace streaming
