// SPDX-License-Identifier: Apache-2.0
#include "answers/kept_answer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "answers/answer_follower.h"
#include "answers/answer_table.h"
#include "answers/limits.h"
#include "base/log.h"
#include "base/random_id.h"
#include "base/utf8.h"

namespace streaming {
namespace {

// Ids of the events `done` and `error`, behind which nothing comes.
constexpr std::string_view kDone = "done";
constexpr std::string_view kError = "error";

// What the client has seen last; empty: nothing. A header that the client sends by itself is later than what a page
// was made with.
std::string_view last_seen(const HandoffRequest& request) {
  return request.apache.last_event_id.empty() ? request.after : request.apache.last_event_id;
}

EventEncoder encoder_for(const HandoffRequest& request, Format format, const Backend& backend) {
  if (!backend.answer_id().empty()) return EventEncoder::of_encoded(format);
  if (format != Format::kUiMessage) return EventEncoder(format);
  return EventEncoder(format, request.request_id.empty() ? random_id() : std::string(request.request_id));
}

}  // namespace

// One behind the other in the answer's memory.
struct KeptAnswer::Names {
  std::string_view id;
  std::string_view user;
  std::string_view request_id;
  std::string_view model;

  std::size_t bytes() const { return id.size() + user.size() + request_id.size() + model.size(); }
};

std::unique_ptr<KeptAnswer> KeptAnswer::make(AnswerTable& table, HandoffRequest& request, Format format,
                                             Backend& backend, bool counts_for_user) {
  const Names names{request.answer_id, request.user_id, request.request_id,
                    utf8_prefix(backend.model(request), kMaxAnswerModelBytes)};
  // The backend's session is cancelled only if nobody wants the answer any more.
  const bool needs_followers = !std::exchange(request.continue_without_client, false);
  return std::unique_ptr<KeptAnswer>(new (names) KeptAnswer(
      table, names, encoder_for(request, format, backend), backend, needs_followers, counts_for_user));
}

void* KeptAnswer::operator new(std::size_t object_bytes, const Names& names) {
  return ::operator new(object_bytes + names.bytes());
}

KeptAnswer::KeptAnswer(AnswerTable& table, const Names& names, EventEncoder encoder, Backend& backend,
                       bool needs_followers, bool counts_for_user)
    : Entry(table.worker(), reinterpret_cast<const char*>(this + 1), names.id.size(), names.user.size()),
      model_bytes_(static_cast<std::uint8_t>(names.model.size())),
      request_id_bytes_(static_cast<std::uint16_t>(names.request_id.size())),
      table_(table),
      waiting_since_(table.timers().now()),
      encoder_(std::move(encoder)),
      needs_followers_(needs_followers),
      counts_for_user_(counts_for_user),
      backend_(backend),
      opened_(table.timers().clock()) {
  set_index(backend.index());
  char* end = reinterpret_cast<char*>(this + 1);
  for (const std::string_view name : {names.id, names.user, names.request_id, names.model}) {
    end = std::copy(name.begin(), name.end(), end);
  }
}

KeptAnswer::~KeptAnswer() = default;

TimerWheel& KeptAnswer::timers() const {
  return table_.timers();
}

std::size_t KeptAnswer::kept_bytes() const {
  const std::size_t name_bytes = id().size() + user().size() + request_id_bytes_ + model_bytes_;
  return sizeof *this + name_bytes + kKeptAnswerExtraBytes + frames_.bytes();
}

std::optional<Duration> KeptAnswer::first_event_after() const {
  return events() == 0 ? std::nullopt : std::optional(Duration(first_event_ms_));
}

// --- Followers ------------------------------------------------------------------------------------------------------

std::optional<Refusal> KeptAnswer::refusal_for(const HandoffRequest& request) const {
  if (request.action == AnswerAction::kFollow && !request.format.empty() && find_format(request.format) != format()) {
    return Refusal{400, "the answer is kept in another format; leave \"format\" out"};
  }
  if (follower_count_ >= table_.settings().max_followers && !request.for_successor) {
    return Refusal{429, "too many clients follow this answer, try again soon", kFollowAgainAfterSeconds, {},
                   Counter::kRefusedFollower};
  }
  const std::optional<KeptFrames::Place> place = place_of(request);
  if (!place && is_import() && running()) {
    return Refusal{503, "the event that the client has seen last has not come from the answer's host yet, try again soon",
                   kFollowAgainAfterSeconds};
  }
  if (!place) return Refusal{400, "the answer has no event with the id that the client has seen last"};
  const bool seen_all = !running() && place->byte == frames_.end().byte;
  if (seen_all || place->byte < frames_.begin().byte) return Refusal{204, ""};
  return std::nullopt;
}

std::optional<KeptFrames::Place> KeptAnswer::place_of(const HandoffRequest& request) const {
  const std::string_view seen = is_numbered() ? last_seen(request) : std::string_view();
  if (seen.empty()) return KeptFrames::Place{};
  if ((seen == kDone || seen == kError) && !running()) return frames_.end();
  if (seen == "0") return KeptFrames::Place{};
  const std::optional<KeptFrames::Place> place = format() == Format::kRaw ? place_behind_id(seen) : place_behind(seen);
  // What a host that has died gave to its clients and not to others. The first of those events has the number of the end here.
  const bool is_cut = is_import() && !running() && end_.cause == CloseCause::kUpstreamTruncated;
  if (is_cut && (!place || place->event > content_end().event)) return content_end();
  const bool is_last = place && place->event == frames_.end().event;  // the end's own may have several frames
  return is_last ? frames_.end() : place;
}

// The place itself is of no interest if the event has been dropped: the one that follows may have been, too.
std::optional<KeptFrames::Place> KeptAnswer::place_behind_id(std::string_view id) const {
  const auto found = frames_.behind_id(id);
  return found || frames_.begin().byte == 0 ? found : KeptFrames::Place{};
}

std::optional<KeptFrames::Place> KeptAnswer::place_behind(std::string_view number_text) const {
  std::uint32_t number = 0;
  const char* const text_end = number_text.data() + number_text.size();
  const auto [end, error] = std::from_chars(number_text.data(), text_end, number);
  if (error != std::errc() || end != text_end || number > frames_.end().event) return std::nullopt;
  return number < frames_.begin().event ? KeptFrames::Place{} : frames_.behind(number);
}

std::unique_ptr<BackendSession> KeptAnswer::answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) {
  KeptFrames::Place place;
  bool for_successor = false;
  if (begun()) {
    const std::optional<KeptFrames::Place> found = place_of(*request);
    CHECK(found);  // refusal_for() has looked
    place = *found;
    for_successor = request->for_successor;
  } else {
    begin(std::move(request));
  }
  auto follower = std::make_unique<AnswerFollower>(*this, place, for_successor, sink);
  ++follower_count_;
  table_.note_follower(1);
  return follower;
}

void KeptAnswer::begin(std::unique_ptr<HandoffRequest> request) {
  CHECK(!begun());
  const ReportedSession* reported = nullptr;
  session_ = table_.reports().answer(backend_, std::move(request), *this, &reported);
  table_.on_begun(*this, reported);
}

void KeptAnswer::hand_on_to(AnswerFollower& follower) {
  followers_.push_back(follower);
}

void KeptAnswer::read_later(AnswerFollower& follower) {
  table_.read_later(follower);
}

void KeptAnswer::on_follower_left(bool has_end) {
  CHECK(follower_count_ > 0);
  --follower_count_;
  table_.note_follower(-1);
  a_client_has_end_ |= has_end;
  if (!running()) return release_session();
  if (follower_count_ > 0 || !needs_followers_) return;
  end_because(FailureKind::kAbandoned);
  table_.forget(*this);
}

// --- Events from the backend ----------------------------------------------------------------------------------------

void KeptAnswer::on_event(const AnswerEvent& event) {
  CHECK(running());
  waiting_since_ = timers().now();
  answering_ = true;
  if (too_large_) return;
  if (event.kind == AnswerEvent::Kind::kLastFrames) {
    has_last_frames_ = count_frames(event.text).has_value();  // the other daemon may have ended within them
    if (has_last_frames_ && !event.text.empty()) keep_last(event.text, false);
    return;
  }
  Buffer& out = table_.frame_buffer();
  const bool has_own_id = format() == Format::kRaw && !event.id.empty();
  if (adds_numbers() && !has_own_id) append_number(out);
  const std::uint32_t frames = encoder_.append(out, event);
  if (encoder_.too_large()) {
    too_large_ = true;
    return table_.settle_later(*this);
  }
  if (event.kind == AnswerEvent::Kind::kMended) {
    log::warn("answer {}: the API sent text that is no Unicode, such as half a character; U+FFFD stands in its place",
              id());
  }
  if (frames == 0) return;
  if (events() == 0) first_event_ms_ = static_cast<std::uint32_t>((timers().clock() - opened_).count());
  if (table_.make_room_for(*this, out.size())) {
    keep(out.view(), frames);
  } else {
    frames_.pass_over(out.view(), frames);
  }
  if (wants_news_) {
    wants_news_ = false;
    table_.on_news(*this);
  }
  const KeptFrames::Place end = frames_.end();
  followers_.for_each([&](AnswerFollower& follower) { follower.on_frames(out.view(), end); });
}

void KeptAnswer::keep(std::string_view frames, std::uint32_t events) {
  if (const std::size_t growth = frames_.growth_by(frames.size()); growth > 0) table_.count_growth(growth);
  frames_.append(frames, events);
}

void KeptAnswer::on_usage(const Usage& usage) {
  remarks().usage = usage;
}

KeptAnswer::Remarks& KeptAnswer::remarks() {
  if (!remarks_) remarks_ = std::make_unique<Remarks>();
  return *remarks_;
}

void KeptAnswer::append_number(Buffer& out) const {
  char line[16] = "id: ";
  char* end = std::to_chars(line + 4, line + sizeof line - 1, frames_.end().event + 1).ptr;
  *end++ = '\n';
  out.append(std::string_view(line, static_cast<std::size_t>(end - line)));
}

// --- The end --------------------------------------------------------------------------------------------------------

void KeptAnswer::on_end(FinishReason reason) {
  if (too_large_) return end_because(FailureKind::kTooLarge);
  Buffer& out = table_.frame_buffer();
  encoder_.append_end(out, reason, table_.settings().done_event);
  end_with({.reason = reason}, out.view(), !table_.settings().done_event);
}

void KeptAnswer::on_failure(const BackendFailure& failure) {
  if (!failure.detail.empty()) {
    log::warn("answer {}: {}: {}", id(), info(cause_of(failure.kind)).word, failure.detail);
  }
  fail(failure);
}

void KeptAnswer::fail(const BackendFailure& failure) {
  const CloseCause cause = cause_of(failure.kind);
  const bool stopped = cause == CloseCause::kStopped;
  const bool done_event = table_.settings().done_event;
  ClientError error = client_error(cause, failure.status);
  error.retry_after_seconds = failure.retry_after_seconds;
  if (!failure.message.empty()) error.message = failure.message;
  Buffer& out = table_.frame_buffer();
  if (stopped && !has_last_frames_) encoder_.append_stopped(out, done_event);
  if (!stopped && !has_last_frames_ && !error.message.empty()) {
    encoder_.append_error(out, error, cause == CloseCause::kUpstreamReported);
  }
  if (!failure.message.empty()) remarks().message = failure.message;
  end_with({.retry_after_seconds = static_cast<std::uint16_t>(std::clamp(failure.retry_after_seconds, 0, UINT16_MAX)),
            .status = static_cast<std::uint16_t>(failure.status),
            .failure = failure.kind,
            .cause = cause},
           out.view(), stopped && !done_event);
}

// A client that reconnects shows by the id of the last frames that it has read the end: `done`, `error`, or else a
// number.
void KeptAnswer::end_with(const KeptAnswerEnd& end, std::string_view last_frames, bool numbered) {
  CHECK(running());
  session_->on_answer_end(end.cause);
  session_->cancel();
  if (!last_frames.empty()) keep_last(last_frames, numbered);
  end_ = end;
  ended_ = true;
  waiting_since_ = timers().clock();
  while (AnswerFollower* follower = followers_.pop_front()) read_later(*follower);
  table_.on_ended(*this);
}

// From the first client that has the end, the session learns that one has it; or that none has, when none is left.
void KeptAnswer::release_session() {
  if (!session_ || (follower_count_ > 0 && !a_client_has_end_)) return;
  session_->on_stream_end(a_client_has_end_);
  session_.reset();
  backend_.leave();
}

void KeptAnswer::keep_last(std::string_view last_frames, bool numbered) {
  Buffer frames;
  if (numbered && adds_numbers()) append_number(frames);
  frames.append(last_frames);
  last_bytes_ = static_cast<std::uint32_t>(frames.size());
  last_events_ = 1;
  table_.make_room_for(*this, frames.size());  // followers need it in any case
  keep(frames.view(), last_events_);
}

void KeptAnswer::settle() {
  if (running()) return end_because(FailureKind::kTooLarge);
  release_session();
  if (remarks_ && remarks_->message.empty()) remarks_.reset();
  if (!is_import()) encoder_ = EventEncoder(format());
  if (end_.failure != FailureKind::kAbandoned) return frames_.trim();
  last_bytes_ = last_events_ = 0;  // nobody can ask for it any more
  frames_.clear();
}

// --- Waiting --------------------------------------------------------------------------------------------------------

void KeptAnswer::end_if_overdue() {
  if (!begun()) return;
  const AnswerSettings& settings = table_.settings();
  const bool too_old = settings.max_stream_duration > Duration(0) &&
                       timers().clock() - opened_ >= settings.max_stream_duration;
  if (too_old) return end_because(FailureKind::kTooLong);
  const Duration patience = answering_ ? settings.idle_timeout : settings.first_byte_timeout;
  if (timers().now() - waiting_since_ < patience) return;
  end_because(answering_ ? FailureKind::kIdleTimeout : FailureKind::kFirstByteTimeout);
}

void KeptAnswer::keep_anew() {
  waiting_since_ = timers().clock();
}

}  // namespace streaming
