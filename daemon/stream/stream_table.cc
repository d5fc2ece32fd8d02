#include "stream/stream_table.h"

#include <malloc.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"

namespace streaming {
namespace {

constexpr int kRetryAfterSeconds = 2;

Refusal full() {
  return Refusal{503, "all places are taken, try again soon", kRetryAfterSeconds};
}

}  // namespace

StreamTable::StreamTable(Ring& ring, TimerWheel& timers, WorkerLoad& load, UserLimits& users, Counters& counters,
                         const StreamSettings& settings)
    : ring_(ring),
      timers_(timers),
      load_(load),
      users_(users),
      counters_(counters),
      settings_(settings),
      streams_(settings.max_streams + kMaxRefusals) {
}

std::optional<Refusal> StreamTable::open(UniqueFd& client, const HandoffRequest& request, Backend& backend) {
  const std::optional<Format> format = request.format.empty() ? settings_.format : find_format(request.format);
  if (!format) return Refusal{400, "unknown format; there are: " + format_names()};
  if (streams_.size() - refused_streams_ >= settings_.max_streams) return full();
  const UserLimits::Admission admission = users_.admit(request.user_id, timers_.now());
  if (admission.retry_after_seconds > 0) {
    return Refusal{429, "too many answers at once or in a minute, try again later", admission.retry_after_seconds};
  }
  Stream* stream = create(client);
  if (stream == nullptr) {
    if (admission.user != nullptr) users_.leave(*admission.user);
    return full();
  }
  stream->set_user(admission.user);
  backend.enter();
  counters_.add(Counter::kStreams);
  peak_ = std::max(peak_, streams_.size());
  peak_since_trim_ = std::max(peak_since_trim_, streams_.size());
  stream->open(request, *format, backend);
  return std::nullopt;
}

bool StreamTable::open_refused(UniqueFd& client, const Refusal& refusal) {
  if (refused_streams_ == kMaxRefusals) return false;
  Stream* stream = create(client);
  if (stream == nullptr) return false;
  ++refused_streams_;
  stream->open_refused(HttpError{refusal.status, refusal.message, refusal.retry_after_seconds});
  return true;
}

Stream* StreamTable::create(UniqueFd& client) {
  Stream* stream = streams_.create(*this);
  if (stream == nullptr) return nullptr;
  Result<RingFile> file = ring_.adopt(stream->handle().index, client);
  if (!file) {
    log::error("{}", file.error().message);
    streams_.destroy(*stream, stream->handle());
    return nullptr;
  }
  stream->set_client(*file);
  return stream;
}

void StreamTable::on_completion(const Completion& completion) {
  Stream* stream = streams_.find(completion.tag.slot);
  CHECK(stream != nullptr);
  switch (completion.tag.operation) {
    case Operation::kClientSend:
      return stream->on_sent(completion);
    case Operation::kClientWritable:
      return stream->on_writable(completion);
    case Operation::kClientWatch:
      return stream->on_watch(completion);
    case Operation::kClientShutdown:
      return stream->on_shutdown(completion);
    case Operation::kClientDrain:
      return stream->on_drained(completion);
    case Operation::kClientClose:
      return stream->on_closed(completion);
    default:
      CHECK(!"an operation of a client");
  }
}

void StreamTable::flush() {
  while (Stream* stream = to_flush_.pop_front()) stream->flush();
}

void StreamTable::close_all(CloseCause cause) {
  streams_.for_each([cause](Stream& stream, Handle) { stream.begin_close(cause); });
}

void StreamTable::set_settings(const StreamSettings& settings) {
  const std::uint32_t max_streams = settings_.max_streams;
  settings_ = settings;
  settings_.max_streams = max_streams;
}

void StreamTable::release(Stream& stream) {
  ++closed_[static_cast<std::size_t>(stream.cause())];
  counters_.add(Counter::kInputTokens, stream.usage().input_tokens);
  counters_.add(Counter::kOutputTokens, stream.usage().output_tokens);
  if (stream.refused()) --refused_streams_;
  if (settings_.log_each_stream) {
    log::info("stream {}: {}, {} events, {} bytes, {} ms", stream.handle().index, info(stream.cause()).word,
              stream.events(), stream.bytes_sent(), (timers_.now() - stream.opened()).count());
  }
  load_.release();
  if (stream.user() != nullptr) users_.leave(*stream.user());
  Backend* backend = stream.backend();
  streams_.destroy(stream, stream.handle());
  if (backend != nullptr) backend->leave();
  trim_memory();
}

// At a quarter of the last peak: so it costs little for each stream of the peak.
void StreamTable::trim_memory() {
  if (peak_since_trim_ < kTrimAtStreams || streams_.size() > peak_since_trim_ / 4) return;
  malloc_trim(0);
  peak_since_trim_ = streams_.size();
}

}  // namespace streaming
