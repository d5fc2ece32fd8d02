// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_table.h"

#include <malloc.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "backends/registry.h"
#include "base/log_line.h"
#include "stream/limits.h"

namespace streaming {
namespace {

Refusal full() {
  return Refusal{503, "all places are taken, try again soon", kRetryAfterSeconds};
}

// By Transport.
constexpr Counter kTransportCounters[] = {Counter::kPlainStreams, Counter::kTlsStreams, Counter::kRelayedStreams,
                                          Counter::kH2Streams, Counter::kH2cStreams};

std::string slot_name(Handle handle) {
  return std::to_string(handle.index) + "." + std::to_string(handle.generation);
}

}  // namespace

StreamTable::StreamTable(Ring& ring, TimerWheel& timers, WorkerLoad& load, UserPlaces& users, AnswerReports& reports,
                         Counters& counters, const StreamSettings& settings)
    : ring_(ring),
      timers_(timers),
      load_(load),
      users_(users),
      reports_(reports),
      counters_(counters),
      settings_(settings),
      metrics_(backend_registry().size()),
      streams_(settings.max_streams + kMaxRefusals) {
}

// --- Places ---------------------------------------------------------------------------------------------------------

class StreamTable::ReservedStream final : public Reservation {
 public:
  // Borrows the table and the backend.
  ReservedStream(StreamTable& table, const Place& place, std::unique_ptr<HandoffRequest> request, Format format,
                 Backend& backend)
      : table_(table), place_(place), request_(std::move(request)), format_(format), backend_(backend) {
    backend_.enter();
  }
  ~ReservedStream() override {
    if (!taken_) table_.cancel_place(place_);
    backend_.leave();
  }

  bool is_relay_only() const override { return false; }
  Admission take(Client& client) override {
    Admission admission = table_.open_at(place_, client, std::move(request_), format_, backend_);
    taken_ = static_cast<bool>(admission);
    return admission;
  }

 private:
  StreamTable& table_;
  const Place place_;
  std::unique_ptr<HandoffRequest> request_;
  const Format format_;
  Backend& backend_;
  bool taken_ = false;  // by a stream
};

Admission StreamTable::open(Client& client, std::unique_ptr<HandoffRequest> request, Backend& backend) {
  Place place;
  Format format{};
  if (Admission admission = take_place(*request, backend, place, format); !admission) return admission;
  Admission admission = open_at(place, client, std::move(request), format, backend);
  if (!admission) cancel_place(place);
  return admission;
}

Admission StreamTable::reserve(std::unique_ptr<HandoffRequest> request, Backend& backend,
                               std::unique_ptr<Reservation>& reservation) {
  Place place;
  Format format{};
  if (Admission admission = take_place(*request, backend, place, format); !admission) return admission;
  reservation = std::make_unique<ReservedStream>(*this, place, std::move(request), format, backend);
  return admitted();
}

Admission StreamTable::follow(Client& client, std::unique_ptr<HandoffRequest> request, KeptAnswer& answer) {
  Place place;
  if (Admission admission = take_place("", place); !admission) return admission;
  Admission admission = open_at(place, client, std::move(request), answer.format(), answer);
  if (!admission) cancel_place(place);
  return admission;
}

Result<Format> StreamTable::format_of(const HandoffRequest& request, const Backend& backend) const {
  const std::string_view named = request.format.empty() ? backend.format(request) : request.format;
  const std::optional<Format> format = named.empty() ? settings_.format : find_format(named);
  if (!format) return Error{"unknown format; there are: " + format_names()};
  return *format;
}

Admission StreamTable::take_place(const HandoffRequest& request, const Backend& backend, Place& place,
                                  Format& format) {
  const Result<Format> found = format_of(request, backend);
  if (!found) return Refusal{400, found.error().message};
  format = *found;
  place.backend = backend.index();
  place.since = timers_.clock();
  return take_place(request.user_id, place);
}

Admission StreamTable::open_at(const Place& place, Client& client, std::unique_ptr<HandoffRequest> request,
                               Format format, Backend& backend) {
  Stream* stream = create(client);
  if (stream == nullptr) return full();
  free_place();
  if (backend.answer_id().empty()) count_request(place);
  stream->set_user(place.user);
  backend.enter();
  counters_.add(Counter::kStreams);
  counters_.add(kTransportCounters[static_cast<std::size_t>(stream->transport())]);
  note_places();
  peak_since_trim_ = std::max(peak_since_trim_, streams_.size());
  const Handle handle = stream->handle();
  stream->open(std::move(request), format, backend);
  return admitted(handle);
}

void StreamTable::hold(Handle handle) {
  if (Stream* stream = streams_.find(handle)) stream->hold();
}

void StreamTable::start(Handle handle) {
  if (Stream* stream = streams_.find(handle)) stream->start();
}

void StreamTable::give_back(Handle handle) {
  if (Stream* stream = streams_.find(handle)) stream->give_back();
}

Admission StreamTable::take_place(std::string_view user_id, Place& place) {
  if (!has_place()) return full();
  const UserLimits::Entry entry = users_.enter(user_id, timers_.clock());
  if (entry.refused()) return entry.refusal();
  place.user = entry.user;
  ++places_without_stream_;
  note_places();
  return admitted();
}

void StreamTable::count_request(const Place& place) {
  metrics_.backends[place.backend].requests.add();
}

void StreamTable::free_place() {
  CHECK(places_without_stream_ > 0);
  --places_without_stream_;
}

void StreamTable::cancel_place(const Place& place) {
  free_place();
  note_places();
  if (place.user != nullptr) users_.cancel(*place.user);
}

void StreamTable::return_place(const Place& place, CloseCause cause) {
  const Duration duration = timers_.clock() - place.since;
  metrics_.closed[static_cast<std::size_t>(cause)].add();
  metrics_.duration.observe(duration);
  metrics_.backends[place.backend].duration.observe(duration);
  load_.release();
  free_place();
  note_places();
  if (place.user != nullptr) users_.leave(*place.user, 0, timers_.clock());
}

void StreamTable::note_places() {
  CHECK(refused_streams_ <= streams_.size());
  metrics_.active.set(places_taken());
  metrics_.peak.raise_to(metrics_.active.get());
}

// --- Streams --------------------------------------------------------------------------------------------------------

bool StreamTable::open_refused(Client& client, const Refusal& refusal) {
  if (refused_streams_ == kMaxRefusals) return false;
  Stream* stream = create(client);
  if (stream == nullptr) return false;
  ++refused_streams_;
  stream->open_refused(
      HttpError{refusal.status, {refusal.message, info(CloseCause::kRefused).word, refusal.retry_after_seconds}});
  return true;
}

Stream* StreamTable::create(Client& client) {
  Stream* stream = streams_.create(*this);
  if (stream == nullptr) return nullptr;
  Result<RingFile> file = ring_.adopt(stream->handle().index, client.socket);
  if (!file) {
    log::error("{}", file.error().message);
    streams_.destroy(*stream, stream->handle());
    return nullptr;
  }
  stream->set_client(*file, client.transport, std::move(client.connection));
  return stream;
}

void StreamTable::enter_at(CompletionTable& completions) {
  completions.enter_slots<&Stream::on_sent>(Operation::kClientSend, streams_);
  completions.enter_slots<&Stream::on_writable>(Operation::kClientWritable, streams_);
  completions.enter_slots<&Stream::on_watch>(Operation::kClientWatch, streams_);
  completions.enter_slots<&Stream::on_received>(Operation::kClientReceive, streams_);
  completions.enter_slots<&Stream::on_shutdown>(Operation::kClientShutdown, streams_);
  completions.enter_slots<&Stream::on_drained>(Operation::kClientDrain, streams_);
  completions.enter_slots<&Stream::on_unacknowledged>(Operation::kClientUnacknowledged, streams_);
  completions.enter_slots<&Stream::on_closed>(Operation::kClientClose, streams_);
}

void StreamTable::on_work(Work&) {
  while (Stream* stream = to_flush_.pop_front()) stream->flush();
}

void StreamTable::receive_when_possible(Stream& stream) {
  to_receive_.push_back(stream.handle());
  submit_receives();
}

void StreamTable::received() {
  CHECK(receiving_ > 0);
  --receiving_;
  submit_receives();
}

void StreamTable::start_later(Stream& stream) {
  to_start_.push_back({stream.handle(), timers_.now() + kHttp2HeadDelay});
  if (!start_.pending()) timers_.schedule_at(start_, to_start_.front().due);
}

void StreamTable::start_due() {
  for (; !to_start_.empty() && to_start_.front().due <= timers_.now(); to_start_.pop_front()) {
    start(to_start_.front().stream);
  }
  if (!to_start_.empty()) timers_.schedule_at(start_, to_start_.front().due);
}

void StreamTable::count_incomplete_record(std::size_t bytes_before, std::size_t bytes_now) {
  CHECK(incomplete_record_bytes_ >= bytes_before);
  incomplete_record_bytes_ += bytes_now - bytes_before;
}

void StreamTable::submit_receives() {
  while (receiving_ < kMaxClientReceives && !to_receive_.empty()) {
    Stream* stream = streams_.find(to_receive_.front());
    to_receive_.pop_front();
    if (stream != nullptr && stream->submit_receive()) ++receiving_;
  }
}

void StreamTable::close_all(CloseCause cause) {
  closing_ = true;
  streams_.for_each([cause](Stream& stream, Handle) { stream.begin_close(cause); });
}

void StreamTable::set_settings(const StreamSettings& settings) {
  const std::uint32_t max_streams = settings_.max_streams;
  settings_ = settings;
  settings_.max_streams = max_streams;
}

void StreamTable::release(Stream& stream) {
  CHECK(stream.state() == StreamState::kFree);
  count(stream);
  if (settings_.log_each_stream) log_end(stream);
  if (stream.refused()) {
    CHECK(refused_streams_ > 0);
    --refused_streams_;
  }
  load_.release();
  if (UserLimits::User* const user = stream.user()) {
    const Stream::LogRecord* record = stream.log_record();
    users_.leave(*user, record == nullptr ? 0 : record->tokens.input + record->tokens.output, timers_.clock());
  }
  Backend* backend = stream.backend();
  streams_.destroy(stream, stream.handle());
  if (backend != nullptr) backend->leave();
  note_places();
  trim_memory_later();
}

void StreamTable::count(const Stream& stream) {
  metrics_.closed[static_cast<std::size_t>(stream.cause())].add();
  if (stream.backend() == nullptr) return;
  const Duration duration = timers_.clock() - stream.opened();
  metrics_.duration.observe(duration);
  if (stream.follows()) return;
  BackendMetrics& backend = metrics_.backends[stream.backend()->index()];
  backend.duration.observe(duration);
  if (is_upstream_error(stream.cause())) backend.errors.add();
  if (const Stream::LogRecord* record = stream.log_record()) {
    metrics_.count_tokens(stream.backend()->index(), record->model(), record->tokens);
  }
}

std::string StreamTable::id_of(const Stream& stream) const {
  return std::to_string(load_.worker) + "." + slot_name(stream.handle());
}

std::string StreamTable::id_of_program(Handle program) const {
  return std::to_string(load_.worker) + ".p" + slot_name(program);
}

void StreamTable::on_answer_begun(const KeptAnswer& answer) {
  metrics_.backends[answer.index()].requests.add();
}

void StreamTable::on_answer_ended(const KeptAnswer& answer) {
  BackendMetrics& backend = metrics_.backends[answer.index()];
  backend.duration.observe(timers_.clock() - answer.opened());
  if (const std::optional<Duration> first = answer.first_event_after()) backend.first_token.observe(*first);
  if (is_upstream_error(answer.end()->cause)) backend.errors.add();
  const Usage usage = answer.usage();
  metrics_.count_tokens(answer.index(), answer.asked_model(),
                        {usage.input_tokens.value_or(0), usage.output_tokens.value_or(0)});
}

void StreamTable::count_first_event(const Stream& stream, Duration after) {
  metrics_.first_token.observe(after);
  if (!stream.follows()) metrics_.backends[stream.backend()->index()].first_token.observe(after);
}

void StreamTable::log_end(const Stream& stream) const {
  LogLine line("stream ended");
  line.add("stream", id_of(stream));
  const Stream::LogRecord* record = stream.log_record();
  if (record != nullptr) {
    line.add("request_id", record->request_id()).add("user", record->user_id()).add("model", record->model());
    line.add("apache_id", record->apache_id()).add("client", record->client()).add("path", record->path());
  }
  if (stream.backend() != nullptr) {
    line.add("backend", backend_registry()[stream.backend()->index()].name);
    line.add("answer", stream.backend()->answer_id());
  }
  line.add("transport", name(stream.transport()));
  line.add("status", stream.status()).add("cause", info(stream.cause()).word).add("http2_error", stream.http2_error());
  line.add("events", stream.events()).add("bytes", stream.bytes_sent());
  if (const std::optional<Duration> first = stream.first_event_after()) line.add("first_token_ms", first->count());
  line.add("duration_ms", (timers_.clock() - stream.opened()).count());
  if (record != nullptr && record->tokens.output > 0) {
    line.add("input_tokens", record->tokens.input).add("output_tokens", record->tokens.output);
  }
  line.write();
}

// At a quarter of the last peak, and not for each of many small ones: so it costs little for each stream.
void StreamTable::trim_memory_later() {
  const bool over = peak_since_trim_ >= kTrimAtStreams && streams_.size() <= peak_since_trim_ / 4;
  if (over && !trim_.pending()) timers_.schedule(trim_, kTrimPause);
}

void StreamTable::on_timer(Timer& timer) {
  if (&timer == &start_) return start_due();
  malloc_trim(0);
  peak_since_trim_ = streams_.size();
}

}  // namespace streaming
