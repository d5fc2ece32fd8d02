// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_receiver.h"

#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "handoff/handoff_connection.h"
#include "handoff/limits.h"
#include "handoff/payload_file.h"
#include "protocol/handoff_protocol.h"

namespace streaming {
namespace {

// The kernel takes the buffer's address from the ring and only the length from here.
iovec kLargestMessage{nullptr, handoff_protocol::kMaxMessageBytes};

// A transient shortage in the kernel, which the peer did not cause.
bool passes(std::int32_t result) {
  return result == -ENOMEM || result == -EAGAIN || result == -EINTR || result == -ENOBUFS;
}

// Whether a send has failed because the peer has closed its end.
bool has_left(std::int32_t result) {
  return result == -EPIPE || result == -ECONNRESET;
}

}  // namespace

HandoffReceiver::HandoffReceiver(Ring& ring, TimerWheel& timers, WorkerLoad& load, Counters& counters,
                                 const HandoffLimits& limits, ClientReceiver& clients)
    : ring_(ring),
      timers_(timers),
      load_(load),
      counters_(counters),
      limits_(limits),
      clients_(clients),
      connections_(kMaxHandoffConnections) {
}

HandoffReceiver::~HandoffReceiver() = default;

HandoffReceiver::Connection& HandoffReceiver::completed(const Completion& completion) {
  Connection* connection = connections_.find(completion.tag.slot);
  CHECK(connection != nullptr && connection->in_flight_ == completion.tag.operation);
  connection->in_flight_ = Operation::kNone;
  return *connection;
}

void HandoffReceiver::on_connection(RingFile file) {
  counters_.add(Counter::kConnections);
  Connection* connection = connections_.create(*this, file);
  CHECK(connection != nullptr);  // it has a slot of as many
  submit_receive(*connection);
}

// --- The connection's time ------------------------------------------------------------------------------------------

void HandoffReceiver::on_time(Connection& connection) {
  if (timers_.now() >= connection.deadline_) return give_up(connection);
  if (connection.in_flight_ == Operation::kHandoffReceive && !connection.reservation_) begin_silence(connection);
  timers_.schedule_at(connection.timer_, connection.deadline_);
}

void HandoffReceiver::look_at(Connection& connection) {
  if (std::exchange(connection.unread_, false)) load_.look_at();
}

void HandoffReceiver::begin_silence(Connection& connection) {
  look_at(connection);
  if (connection.silent_) return;
  if (silent_count_ >= kMaxSilentConnections) {
    Connection& oldest = *silent_.front();
    end_silence(oldest);
    give_up(oldest);
  }
  connection.silent_ = true;
  silent_.push_back(connection);
  ++silent_count_;
}

void HandoffReceiver::end_silence(Connection& connection) {
  if (!std::exchange(connection.silent_, false)) return;
  connection.unlink();
  --silent_count_;
}

// Called when the time is up, or the worker stops.
void HandoffReceiver::give_up(Connection& connection) {
  connection.given_up_ = true;
  if (connection.in_flight_ != Operation::kNone) {
    return ring_.submit_cancel(Tag{connection.in_flight_, connection.handle_});
  }
  if (connection.is_decided()) return close(connection);
  // Otherwise its message only waits for a buffer: retry() reads it.
  if (!stopped_) return;
  if (connection.reservation_) return lose_reservation(connection, Counter::kReservationsTimedOut, "shutdown");
  count_as_timed_out(ENOBUFS);
  close(connection);
}

// A decision that was made still reaches its peer.
void HandoffReceiver::stop() {
  stopped_ = true;
  connections_.for_each([this](Connection& connection, Handle) {
    connection.is_decided() ? set_deadline(connection, reply_timeout()) : give_up(connection);
  });
}

Duration HandoffReceiver::reply_timeout() const {
  return stopped_ ? kReplyTimeoutAtEnd : kReplyTimeout;
}

void HandoffReceiver::set_deadline(Connection& connection, Duration timeout) {
  connection.deadline_ = timers_.now() + timeout;
  timers_.schedule_at(connection.timer_, connection.deadline_);
}

// --- Operations that are tried again --------------------------------------------------------------------------------

void HandoffReceiver::retry_later(Connection& connection, Operation operation, Duration pause) {
  end_silence(connection);
  connection.to_retry_ = operation;
  to_retry_.push_back(connection);
  if (pause == Duration(0)) return timers_.soon(retry_soon_);
  const Time due = timers_.now() + pause;
  if (!retry_.pending() || retry_.expiry() > due) timers_.schedule_at(retry_, due);
}

// No more at a time than there are buffers: so a burst of messages is read in the order of arrival, and no try fails.
void HandoffReceiver::retry() {
  for (std::uint32_t i = 0; i < kReceiveBuffers; ++i) {
    Connection* connection = to_retry_.pop_front();
    if (connection == nullptr) return;
    submit(*connection, connection->to_retry_);
  }
  if (!to_retry_.empty()) timers_.soon(retry_soon_);
}

void HandoffReceiver::submit(Connection& connection, Operation operation) {
  const Tag tag{operation, connection.handle_};
  switch (operation) {
    case Operation::kHandoffReceive:
      return submit_receive(connection);
    case Operation::kHandoffReply:
      ring_.submit_send(connection.file_, connection.reply_, tag);
      break;
    case Operation::kHandoffVerdict:
      ring_.submit_poll(connection.file_, POLLRDHUP, tag);
      break;
    default:
      CHECK(!"an operation of a hand-off's connection");
  }
  connection.in_flight_ = operation;
}

void HandoffReceiver::submit_receive(Connection& connection) {
  connection.message_ = msghdr{};
  connection.message_.msg_iov = &kLargestMessage;
  connection.message_.msg_iovlen = 1;
  connection.message_.msg_control = connection.control_;
  connection.message_.msg_controllen = sizeof connection.control_;
  connection.in_flight_ = Operation::kHandoffReceive;
  connection.looked_ = connection.given_up_;
  if (!connection.given_up_) {
    timers_.schedule_at(connection.timer_, std::min(connection.deadline_, timers_.now() + kSilentAfter));
  }
  const Tag tag{Operation::kHandoffReceive, connection.handle_};
  connection.polled_ = socket_type_ == SOCK_STREAM && !connection.given_up_;
  if (connection.polled_) return ring_.submit_poll(connection.file_, POLLIN | POLLRDHUP, tag);
  ring_.submit_receive_message(connection.file_, connection.message_, !connection.given_up_, tag);
}

// A receive on SOCK_STREAM that finds nothing still uses up control space for the sender's credentials. When the kernel
// tries it again, that space is not restored, and the descriptor does not fit. So a poll waits, and the receive does
// not.
void HandoffReceiver::receive_polled(Connection& connection) {
  connection.in_flight_ = Operation::kHandoffReceive;
  ring_.submit_receive_message(connection.file_, connection.message_, false,
                               Tag{Operation::kHandoffReceive, connection.handle_});
}

// --- The message ----------------------------------------------------------------------------------------------------

// When the time is up, a last receive that does not wait finds a message that has arrived meanwhile.
bool HandoffReceiver::is_to_be_looked_at_again(const Connection& connection, std::int32_t result) {
  if (connection.looked_) return passes(result) && result != -EAGAIN;
  return passes(result) || (result == -ECANCELED && connection.given_up_);
}

void HandoffReceiver::on_message(const Completion& completion) {
  Connection& connection = completed(completion);
  if (std::exchange(connection.polled_, false) && completion.result >= 0) return receive_polled(connection);
  if (!stopped_ && is_to_be_looked_at_again(connection, completion.result)) {
    const bool at_once = completion.result == -ENOBUFS || completion.result == -ECANCELED;
    return retry_later(connection, Operation::kHandoffReceive, at_once ? Duration(0) : kHandoffRetryPause);
  }
  if (connection.reservation_) return receive_reserved_client(connection, completion);
  look_at(connection);
  if (connection.partial_) {
    const std::span<const char> payload = connection.partial_->part.take(completion.buffer);
    const bool brings_descriptor = completion.result >= 0 && close_descriptors(connection.message_);
    return brings_descriptor ? refuse_later_descriptor(connection)
                             : receive_part(connection, payload, completion.result);
  }
  end_silence(connection);
  if (completion.result >= 0) return receive(connection, completion);
  // The peer was silent for too long, or stop() ended the wait.
  count_as_timed_out(-completion.result);
  close(connection);
}

void HandoffReceiver::count_as_timed_out(int code) {
  counters_.add(Counter::kHandoffsTimedOut);
  log::info("a connection sent no hand-off in time: {}", std::strerror(code));
}

// The kernel looks first for a message and then for the peer's end. If the peer sends and closes in between, the
// receive reports an end of file before the message. So receive once more.
bool HandoffReceiver::is_first_end(Connection& connection, const Completion& completion) {
  return completion.result == 0 && !std::exchange(connection.ended_, true);
}

void HandoffReceiver::receive(Connection& connection, const Completion& completion) {
  ConnectionPartReader part;
  const std::span<const char> payload = part.take(completion.buffer);
  if (part.is_reservation() && socket_type_ == SOCK_SEQPACKET) return receive_reservation(connection, payload);
  Result<HandedOver> handed_over = take_descriptors(connection.message_);
  if (!handed_over && is_first_end(connection, completion)) return submit_receive(connection);
  if (!handed_over) {
    counters_.add(Counter::kHandoffsInvalid);
    const auto level = completion.result == 0 ? log::Level::kDebug : log::Level::kWarn;
    log::write(level, "a connection sent no client: {}", handed_over.error().message);
    return close(connection);
  }
  receive_client(handed_over->client);
  if (socket_type_ == SOCK_STREAM) {
    connection.partial_ = std::make_unique<PartialMessage>(std::move(*handed_over), std::move(part));
    return receive_part(connection, payload, completion.result);
  }
  part.give_to(handed_over->client);
  hand_on(connection, *handed_over, part.status(), payload, (connection.message_.msg_flags & MSG_TRUNC) != 0);
}

void HandoffReceiver::receive_client(Client& client) {
  const bool is_tcp = limit_unsent_and_unacknowledged(client.socket.get(), limits_.client_timeout);
  client.transport = is_tcp ? Transport::kPlain : Transport::kRelayed;
  counters_.add(Counter::kHandoffs);
}

// An end of file, an error and the end of the peer's time also end the message: the parser reports what is missing. A
// message from a user who is not allowed, or one that is too large, is refused before its end.
void HandoffReceiver::receive_part(Connection& connection, std::span<const char> payload, std::int32_t result) {
  PartialMessage& partial = *connection.partial_;
  partial.payload.append(payload.begin(), payload.end());
  partial_bytes_ += payload.size();
  const bool reached = !payload.empty() && (partial.handed_over.payload_file || partial.end.is_reached_by(payload));
  const bool whole = result <= 0 || partial.part.failed() || reached;
  const bool overfull = !whole && partial_bytes_ > kMaxPartialMessageBytes;
  if (!whole && !overfull && is_allowed(partial.handed_over.sender) && partial.payload.size() <= most_inline_bytes()) {
    return submit_receive(connection);
  }
  const std::unique_ptr<PartialMessage> message = take_partial_message(connection);
  if (!overfull) {
    return hand_on(connection, message->handed_over, message->part.status(), message->payload, false);
  }
  refuse(connection, std::move(message->handed_over.client),
         Refusal{503, "too many messages are incomplete, try again soon", kBusyRetryAfterSeconds, {}});
}

void HandoffReceiver::refuse_later_descriptor(Connection& connection) {
  refuse(connection, std::move(take_partial_message(connection)->handed_over.client),
         Refusal{400, "a descriptor came with a later part of the message"});
}

std::unique_ptr<HandoffReceiver::PartialMessage> HandoffReceiver::take_partial_message(Connection& connection) {
  end_silence(connection);
  PartialMessage& partial = *connection.partial_;
  partial_bytes_ -= partial.payload.size();
  partial.part.give_to(partial.handed_over.client);
  return std::move(connection.partial_);
}

// --- The decision ---------------------------------------------------------------------------------------------------

void HandoffReceiver::hand_on(Connection& connection, HandedOver& handed_over, const Status& part,
                              std::span<const char> payload, bool cut) {
  observe_arrival(connection);
  Admission admission = decide(handed_over, part, payload, cut);
  conclude(connection, std::move(handed_over.client), std::move(admission));
}

void HandoffReceiver::observe_arrival(const Connection& connection) {
  durations_.observe(std::chrono::microseconds((MonotonicClock::now_ns() - connection.arrived_ns_) / 1000));
}

void HandoffReceiver::conclude(Connection& connection, Client client, Admission admission) {
  if (!admission) return refuse(connection, std::move(client), std::move(admission.refusal()));
  connection.assigned_ = false;
  connection.held_ = admission.stream();
  if (connection.held_) clients_.hold(*connection.held_);
  reply(connection, std::string(1, handoff_protocol::kAccepted));
}

std::size_t HandoffReceiver::most_inline_bytes() const {
  return std::min(limits_.max_payload_bytes, handoff_protocol::kMaxInlinePayloadBytes);
}

bool HandoffReceiver::is_allowed(const std::optional<ucred>& sender) const {
  const std::vector<uid_t>& users = limits_.allowed_users;
  return users.empty() || (sender && std::find(users.begin(), users.end(), sender->uid) != users.end());
}

// Logs once in a while only, because everybody who may connect can cause it.
void HandoffReceiver::complain_of(const std::optional<ucred>& sender) {
  ++strangers_;
  if (timers_.now() < next_complaint_) return;
  next_complaint_ = timers_.now() + kStrangerComplaintPause;
  const std::uint64_t count = std::exchange(strangers_, 0);
  if (sender) {
    log::warn("{} refused with 403: user {} (process {}) is not in server.allowed_users", count, sender->uid,
              sender->pid);
  } else {
    log::warn("{} refused with 403: the sender is not known; set PassCredentials=yes in the socket unit", count);
  }
}

Admission HandoffReceiver::decide(HandedOver& handed_over, const Status& part, std::span<const char> payload,
                                  bool cut) {
  if (Admission admission = check_sender(handed_over); !admission) return admission;
  if (!part) return Refusal{400, part.error().message};
  std::unique_ptr<HandoffRequest> request;
  if (Admission admission = read_request(handed_over, payload, cut, request); !admission) return admission;
  return clients_.on_client(handed_over.client, std::move(request));
}

Admission HandoffReceiver::check_sender(const HandedOver& handed_over) {
  if (!is_allowed(handed_over.sender)) {
    complain_of(handed_over.sender);
    return Refusal{403, "this user may not hand over clients"};
  }
  if (stopped_) return Refusal{503, "the server is being restarted, try again soon", kBusyRetryAfterSeconds};
  return admitted();
}

Admission HandoffReceiver::read_request(HandedOver& handed_over, std::span<const char> payload, bool cut,
                                        std::unique_ptr<HandoffRequest>& request) {
  if (cut || payload.size() > most_inline_bytes()) {
    return Refusal{413, "the payload is larger than " + std::to_string(most_inline_bytes()) + " bytes"};
  }
  Result<std::unique_ptr<HandoffRequest>> parsed = parse(handed_over, payload);
  if (!parsed) return Refusal{parsed.error().code == EFBIG ? 413 : 400, parsed.error().message};
  request = std::move(*parsed);
  return admitted();
}

Result<std::unique_ptr<HandoffRequest>> HandoffReceiver::parse(HandedOver& handed_over, std::span<const char> payload) {
  if (!handed_over.payload_file) return parser_.parse(payload);
  Result<PayloadFile> file = PayloadFile::map(std::move(handed_over.payload_file), limits_.max_payload_bytes);
  if (!file) return file.error();
  return parser_.parse(std::move(*file));
}

void HandoffReceiver::refuse(Connection& connection, Client client, Refusal refusal) {
  note(refusal, counters_);
  connection.client_ = std::move(client);
  connection.refusal_ = std::move(refusal);
  connection.given_up_ = false;
  reply(connection, acknowledgement_of(connection.refusal_));
}

void HandoffReceiver::reply(Connection& connection, std::string reply) {
  connection.reply_ = std::move(reply);
  set_deadline(connection, connection.reservation_ ? kReservationTimeout : reply_timeout());
  submit(connection, Operation::kHandoffReply);
}

void HandoffReceiver::on_reply_sent(const Completion& completion) {
  Connection& connection = completed(completion);
  // Closing without a reply would make Apache answer a client that the daemon answers too.
  if (passes(completion.result) && !connection.given_up_) {
    return retry_later(connection, Operation::kHandoffReply, kHandoffRetryPause);
  }
  if (connection.reservation_) return wait_for_client(connection, completion.result);
  // An acceptance that finds no peer changes nothing: a module that does not wait has closed already.
  const bool knows = completion.result >= 0 || has_left(completion.result);
  if (knows && connection.held_) clients_.start(*std::exchange(connection.held_, std::nullopt));
  if (!connection.client_.socket) return close(connection);
  if (has_left(completion.result)) return answer_client(connection);
  if (completion.result < 0 || connection.given_up_) return close(connection);
  submit(connection, Operation::kHandoffVerdict);
}

// The poll distinguishes a reset from an end of file: if the peer closes with the refusal unread, the socket has an
// error. A peer that has shut down only its sending side may still read. One that is there when its time is up may read
// the refusal at any time, and answer the client: nobody else may.
void HandoffReceiver::on_verdict(const Completion& completion) {
  Connection& connection = completed(completion);
  const bool has_closed = completion.result >= 0 && (completion.result & (POLLHUP | POLLERR)) != 0;
  if (!has_closed && connection.given_up_) return close(connection);
  if (!has_closed) return retry_later(connection, Operation::kHandoffVerdict, kHandoffRetryPause);
  if ((completion.result & POLLERR) != 0) return answer_client(connection);
  close(connection);
}

void HandoffReceiver::answer_client(Connection& connection) {
  if (clients_.on_refused_client(connection.client_, connection.refusal_)) {
    connection.assigned_ = false;
  } else {
    counters_.add(Counter::kHandoffsOverflown);
    log::warn("a refused client is closed without an answer: too many are being answered");
  }
  close(connection);
}

void HandoffReceiver::close(Connection& connection) {
  CHECK(connection.in_flight_ == Operation::kNone);
  look_at(connection);
  end_silence(connection);
  if (connection.partial_) take_partial_message(connection);
  if (connection.reservation_) take_reservation(connection);
  if (connection.held_) clients_.give_back(*connection.held_);
  if (connection.assigned_) load_.release();
  ring_.submit_close(connection.file_, Tag{});
  load_.give_slot_back();
  connections_.destroy(connection, connection.handle_);
}

}  // namespace streaming
