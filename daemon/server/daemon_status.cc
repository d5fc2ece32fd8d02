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
  if (stream.backend() != nullptr) write(writer, "backend", backend_registry()[stream.backend()->index()].name);
  write(writer, "transport", name(stream.transport()));
  write(writer, "state", kStreamStateNames[static_cast<std::size_t>(stream.state())]);
  write(writer, "age_ms", (now - stream.opened()).count());
  write(writer, "events", stream.events());
  write(writer, "bytes", static_cast<std::int64_t>(stream.bytes_sent()));
  writer.EndObject();
}

// A JSON array without its brackets, of at most kMostListedStreams.
std::string streams_of(Worker& worker) {
  rapidjson::StringBuffer text;
  Writer writer(text);
  writer.StartArray();
  std::size_t listed = 0;
  const Time now = MonotonicClock::now();
  StreamTable& streams = worker.streams();
  streams.for_each([&](const Stream& stream) {
    if (listed++ < kMostListedStreams) write_stream(writer, streams.id_of(stream), stream, now);
  });
  writer.EndArray();
  return {text.GetString() + 1, text.GetSize() - 2};
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

std::string DaemonStatus::streams() const {
  std::string text = "{\"streams\":[";
  bool first = true;
  std::size_t silent = 0;
  for (const std::string& streams : ask<std::string>(workers_, streams_of, silent)) {
    if (streams.empty()) continue;
    if (!std::exchange(first, false)) text += ",";
    text += streams;
  }
  return text + "]}\n";
}

}  // namespace streaming
