// SPDX-License-Identifier: Apache-2.0
#include "server/answer_imports.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "answers/answer_marks.h"
#include "base/base64.h"
#include "base/buffer.h"
#include "base/header_field.h"
#include "base/log.h"
#include "server/limits.h"
#include "sse/json_text.h"
#include "stream/limits.h"
#include "stream/program_output.h"

namespace streaming {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::string_view kEndOfFrame = "\n\n";
constexpr int kUnavailableStatus = 503;

Refusal being_replaced() {
  return Refusal{kUnavailableStatus, "the server is being restarted, try again soon", kRetryAfterSeconds};
}

// The hand-off to the predecessor.
std::string payload_for(const HandoffRequest& request) {
  const bool stops = request.action == AnswerAction::kStop;
  Buffer text;
  text.append("{\"answer_id\":\"");
  text.append(request.answer_id);
  text.append(stops ? "\",\"action\":\"stop\",\"user_id\":\"" : "\",\"action\":\"follow");
  if (stops) append_json_text(text, request.user_id);
  text.append("\"}");
  return std::string(text.view());
}

// The value of a field of an HTTP head; empty if it has none.
std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t line = head.find('\n'); line != std::string_view::npos; line = head.find('\n', line + 1)) {
    std::string_view text = head.substr(line + 1, head.find('\r', line) - line - 1);
    const bool is_longer = text.size() > name.size() && text[name.size()] == ':';
    if (!is_longer || !same_header_name(text.substr(0, name.size()), name)) continue;
    text.remove_prefix(name.size() + 1);
    return text.substr(std::min(text.find_first_not_of(' '), text.size()));
  }
  return {};
}

int status_of(std::string_view head) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  int status = 0;
  if (head.starts_with(kVersion)) std::from_chars(head.data() + kVersion.size(), head.data() + head.size(), status);
  return status;
}

}  // namespace

// One question to the predecessor: a follow, which becomes a kept answer's session if there is that answer; or a stop.
class AnswerImports::Import final : public ImportedAnswer, private EventSink, private WorkOwner, private TimerOwner {
 public:
  Import(Handle handle, AnswerImports& owner, const HandoffRequest& request, UniqueFd socket)
      : handle_(handle),
        owner_(owner),
        id_(request.answer_id),
        stops_(request.action == AnswerAction::kStop),
        output_(owner.ring_, owner.timers_, Tag{Operation::kImportReadable, handle},
                Tag{Operation::kImportReceive, handle}, std::move(socket), over_) {
    session_ = output_.begin(*this);
    output_.on_program_ended(0);
  }

  std::string_view id() const { return id_; }
  // Whether a further hand-off for the answer has to wait for the same reply.
  bool takes_more() const { return !stops_ && !resolved_; }
  void add(Client client, std::unique_ptr<HandoffRequest> request) {
    waiting_.push_back({std::move(client), std::move(request)});
    if (!patience_.pending()) owner_.timers_.schedule(patience_, kPredecessorPatience);
  }

  void set_sink(EventSink* sink) override {
    sink_ = sink;
    if (sink == nullptr) session_->cancel();
  }

  void on_readable(const Completion& completion) { output_.on_readable(completion); }
  void on_received(const Completion& completion) { output_.on_received(completion); }

 private:
  void on_event(const AnswerEvent& event) override {
    pending_.append(event.text);
    if (!has_head_ && !read_head()) return;
    if (sink_ != nullptr && !end_) read_frames();
  }
  void on_usage(const Usage&) override {}
  void on_failure(const BackendFailure&) override {}
  bool wants_upstream_events() const override { return false; }
  std::string stream_id() const override { return "of answer " + id_; }
  // To begin the answer anew could be to pay for it twice. The reply still counts for those who come later.
  void on_timer(Timer&) override {
    for (Waiting& waiting : std::exchange(waiting_, {})) {
      owner_.outcome_.answer(std::move(waiting.client), being_replaced());
    }
  }
  // If its answer has ended here before the reply was read as far as it decides, this daemon decides on who waits.
  void on_work(Work&) override {
    if (!output_.over()) return;
    resolve();
    owner_.imports_.destroy(*this, handle_);
  }

  void on_end(FinishReason) override {
    if (EventSink* const sink = std::exchange(sink_, nullptr)) end_answer(*sink);
    session_->cancel();
    resolve();
  }

  void end_answer(EventSink& sink) {
    if (!end_) {
      constexpr std::string_view kDetail = "the daemon that this one has replaced broke off";
      return sink.on_failure({.kind = FailureKind::kTruncated, .detail = kDetail});
    }
    sink.on_event({.kind = AnswerEvent::Kind::kLastFrames, .text = pending_});
    if (end_->cause == CloseCause::kCompleted) return sink.on_end(FinishReason::kOther);
    sink.on_failure({.kind = failure_of(end_->cause).value_or(FailureKind::kTruncated),
                     .detail = {},
                     .status = end_->status,
                     .retry_after_seconds = end_->retry_after_seconds});
  }

  // False if there is more to come, or nothing of use.
  bool read_head() {
    const std::size_t end = pending_.find(kEndOfHead);
    if (end == std::string::npos) {
      if (pending_.size() > kMaxImportHeadBytes) give_up();
      return false;
    }
    has_head_ = true;
    const std::string head = pending_.substr(0, end + kEndOfHead.size());
    pending_.erase(0, head.size());
    status_ = status_of(head);
    if (status_ == 200 && !stops_) begin_answer(head);
    if (sink_ == nullptr) give_up();
    return sink_ != nullptr;
  }

  // Nothing that is still to come is of use.
  void give_up() {
    session_->cancel();
    resolve();
  }

  void begin_answer(std::string_view head);
  void read_frames();
  void read_comment(std::string_view frame);

  // What waits is decided on.
  void resolve() {
    patience_.stop();
    resolved_ = true;
    const std::optional<Refusal> reply = final_reply();
    for (Waiting& waiting : std::exchange(waiting_, {})) {
      waiting.request->predecessor_asked = true;
      reply ? owner_.outcome_.answer(std::move(waiting.client), *reply)
            : owner_.outcome_.decide(std::move(waiting.client), std::move(waiting.request));
    }
  }

  // The predecessor's, if it is the client's too; nothing if this daemon decides.
  std::optional<Refusal> final_reply() const {
    switch (status_) {
      case 0:  // it has no such answer, or has ended
      case 200:
      case 404:
        return std::nullopt;
      case 204:  // stopped; or it does not have the beginning any more
        return Refusal{204, ""};
      case 403:
        return Refusal{403, "the answer belongs to another user"};
      default:
        return being_replaced();
    }
  }

  const Handle handle_;
  AnswerImports& owner_;
  const std::string id_;
  const bool stops_;
  bool resolved_ = false;
  bool has_head_ = false;
  int status_ = 0;
  Work over_{*this};
  Timer patience_{*this};
  std::vector<Waiting> waiting_;
  std::string pending_;  // of the head or of a frame; behind the end mark, all
  std::optional<EndMark> end_;
  EventSink* sink_ = nullptr;  // null unless an answer wants the frames
  ProgramOutput output_;
  std::unique_ptr<BackendSession> session_;
};

void AnswerImports::Import::begin_answer(std::string_view head) {
  const std::string_view user = field(head, kUserField);
  const AnswerTable::Started started =
      owner_.source_.begin(*this, {.id = id_,
                                   .user = base64_decoded_size(user) ? decode_base64(user) : std::string(),
                                   .format = field(head, kFormatField),
                                   .backend = field(head, kBackendField),
                                   .continues_without_clients = true});
  if (started.refusal) status_ = started.refusal->status;
  if (started.answer == nullptr) return;  // or another worker imports it
  log::info("answer {} comes from the daemon that this one replaces", id_);
}

// Hands on what is whole, the events between two comments together.
void AnswerImports::Import::read_frames() {
  std::size_t begin = 0;  // of what is to be handed on
  std::size_t at = 0;
  std::uint32_t events = 0;
  const std::string text = std::exchange(pending_, {});
  const auto hand_on = [&] {
    if (events == 0 || sink_ == nullptr) return;
    sink_->on_event({.kind = AnswerEvent::Kind::kFrames,
                     .index = std::exchange(events, 0),
                     .text = std::string_view(text).substr(begin, at - begin)});
  };
  while (!end_ && sink_ != nullptr) {
    const std::size_t end = text.find(kEndOfFrame, at);
    if (end == std::string::npos) break;
    const std::string_view frame = std::string_view(text).substr(at, end + kEndOfFrame.size() - at);
    if (frame.front() != ':') {
      ++events;
      at += frame.size();
      continue;
    }
    hand_on();
    at += frame.size();
    begin = at;
    read_comment(frame);
  }
  hand_on();
  pending_ = text.substr(at);
}

void AnswerImports::Import::read_comment(std::string_view frame) {
  end_ = read_end_mark(frame);
  if (frame == kLiveMark) resolve();
  if (sink_ != nullptr) sink_->on_event({.kind = AnswerEvent::Kind::kProgress});
}

AnswerImports::AnswerImports(Ring& ring, TimerWheel& timers, Predecessor* predecessor, int descriptors,
                             AnswerTable& answers, Outcome outcome)
    : ring_(ring),
      timers_(timers),
      predecessor_(predecessor),
      descriptors_(descriptors),
      outcome_(std::move(outcome)),
      source_(answers, "imported"),
      imports_(kMaxImports) {
}

AnswerImports::~AnswerImports() = default;

bool AnswerImports::can_ask(const HandoffRequest& request) const {
  return predecessor_ != nullptr && predecessor_->reachable() && !request.predecessor_asked;
}

AnswerImports::Import* AnswerImports::find(std::string_view id) {
  Import* found = nullptr;
  imports_.for_each([&](Import& import, Handle) {
    if (import.takes_more() && import.id() == id) found = &import;
  });
  return found;
}

void AnswerImports::ask(Client client, std::unique_ptr<HandoffRequest> request) {
  if (request->action != AnswerAction::kStop && wait(client, request)) return;
  UniqueFd socket = predecessor_->ask(payload_for(*request), descriptors_);
  Import* const import = socket ? imports_.create(*this, *request, std::move(socket)) : nullptr;
  if (import != nullptr) return import->add(std::move(client), std::move(request));
  if (predecessor_->reachable()) return outcome_.answer(std::move(client), being_replaced());
  outcome_.decide(std::move(client), std::move(request));
}

bool AnswerImports::wait(Client& client, std::unique_ptr<HandoffRequest>& request) {
  Import* const import = find(request->answer_id);
  if (import != nullptr) import->add(std::move(client), std::move(request));
  return import != nullptr;
}

void AnswerImports::enter_at(CompletionTable& completions) {
  completions.enter_slots<&Import::on_readable>(Operation::kImportReadable, imports_);
  completions.enter_slots<&Import::on_received>(Operation::kImportReceive, imports_);
}

}  // namespace streaming
