#include "server/overseer.h"

#include <prometheus/text_serializer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <functional>
#include <future>
#include <sstream>
#include <vector>

#include "backends/registry.h"
#include "base/limits.h"
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

void write_stream(Writer& writer, const Stream& stream, Time now) {
  writer.StartObject();
  if (const Stream::Account* account = stream.account()) {
    write(writer, "request_id", account->request_id());
    write(writer, "user", account->user_id());
    write(writer, "model", account->model());
  }
  if (stream.backend() != nullptr) write(writer, "backend", backend_registry()[stream.backend()->index()].name);
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
  worker.streams().for_each([&](const Stream& stream) {
    if (listed++ < kMostListedStreams) write_stream(writer, stream, now);
  });
  writer.EndArray();
  return {text.GetString() + 1, text.GetSize() - 2};
}

// What each worker says, on its own thread; of those that do not say anything in time, nothing.
template <typename Answer>
std::vector<Answer> ask(std::span<const std::unique_ptr<Worker>> workers,
                        const std::function<Answer(Worker&)>& ask_one) {
  std::vector<std::future<Answer>> answers;
  for (const std::unique_ptr<Worker>& worker : workers) {
    auto promise = std::make_shared<std::promise<Answer>>();
    answers.push_back(promise->get_future());
    worker->post([promise, ask_one, &worker = *worker] { promise->set_value(ask_one(worker)); });
  }
  const auto deadline = std::chrono::steady_clock::now() + kWorkerAnswerTimeout;
  std::vector<Answer> given;
  for (std::future<Answer>& answer : answers) {
    if (answer.wait_until(deadline) == std::future_status::ready) given.push_back(answer.get());
  }
  return given;
}

}  // namespace

std::string Overseer::metrics() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, metric_families(workers_, MonotonicClock::now() - started_));
  return text.str();
}

bool Overseer::alive() const {
  return ask<char>(workers_, [](Worker&) { return 'y'; }).size() == workers_.size();
}

std::string Overseer::streams() const {
  std::string text = "{\"streams\":[";
  bool first = true;
  for (const std::string& streams : ask<std::string>(workers_, streams_of)) {
    if (streams.empty()) continue;
    if (!std::exchange(first, false)) text += ",";
    text += streams;
  }
  return text + "]}\n";
}

}  // namespace streaming
