#include "mod_socket_handoff/delivery.h"

#include <sys/socket.h>

#include "mod_socket_handoff/daemon_answer.h"
#include "mod_socket_handoff/daemon_search.h"
#include "mod_socket_handoff/handoff_message.h"
#include "mod_socket_handoff/payload.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

// Any daemon reads this much at once. Of more data, one that has taken the client can have left a part unread.
constexpr std::size_t kMaxBytesReadAtOnce = 4096;

// Whether the client is still Apache's, though the daemon has closed the connection without an answer.
bool is_left_by(const DaemonConnection& daemon, ReceivedAnswer::End end, const Payload& payload,
                AcknowledgedSockets& acknowledged) {
  if (acknowledged.contains(daemon.identity)) return true;
  return end == ReceivedAnswer::End::kReset && (daemon.type == SOCK_SEQPACKET || payload.size() <= kMaxBytesReadAtOnce);
}

Delivery::End read_answer(const DaemonConnection& daemon, Candidate& candidate, const Payload& payload,
                          std::chrono::milliseconds time_allowed, AcknowledgedSockets& acknowledged) {
  const ReceivedAnswer received = receive_answer(daemon.socket.get(), time_allowed);
  switch (received.end) {
    case ReceivedAnswer::End::kAnswered:
      if (!acknowledged.contains(daemon.identity)) acknowledged.add(daemon.identity);
      if (received.answer.kind == DaemonAnswer::Kind::kAccepted) return Delivery::End::kTaken;
      candidate.state = Candidate::State::kRefused;
      candidate.status = received.answer.status;
      candidate.retry_after_seconds = received.answer.retry_after_seconds;
      return Delivery::End::kNotTaken;
    case ReceivedAnswer::End::kClosed:
    case ReceivedAnswer::End::kReset:
      if (!is_left_by(daemon, received.end, payload, acknowledged)) return Delivery::End::kTakenSilently;
      candidate.state = Candidate::State::kClosed;
      return Delivery::End::kNotTaken;
    case ReceivedAnswer::End::kUndecided:
      break;
  }
  return Delivery::End::kWithoutAnswer;
}

// The payload in the message itself, or where it is too large for that, in a file beside it.
class Parcel {
 public:
  explicit Parcel(const Payload& payload) : payload_(payload) {}

  const Payload& payload() const { return payload_; }

  SendResult send(const DaemonConnection& daemon, int client, std::chrono::milliseconds time_allowed) {
    const int socket = daemon.socket.get();
    // A daemon that listens on SOCK_STREAM knows of no file; there is no limit to what a stream takes.
    if (daemon.type == SOCK_STREAM) return send_handoff(socket, client, payload_, time_allowed);
    if (!file_ && payload_.size() <= handoff_protocol::kMaxInlinePayloadBytes) {
      const SendResult sent = send_handoff(socket, client, payload_, time_allowed);
      if (sent.error != EMSGSIZE) return sent;  // which net.core.wmem_max can cause
    }
    if (!file_) file_ = make_payload_file(payload_);
    if (!file_) return {.client_is_gone = false, .error = errno};
    return send_handoff_with_file(socket, client, file_.get(), time_allowed);
  }

 private:
  const Payload& payload_;
  UniqueDescriptor file_;  // made when it is needed, used for each daemon that is tried
};

Delivery::End deliver_to(Candidate& candidate, const DaemonConnection& daemon, int client, Parcel& parcel,
                         const DeliveryLimits& limits, AcknowledgedSockets& acknowledged) {
  const SendResult sent = parcel.send(daemon, client, limits.send_timeout);
  candidate.error = sent.error;
  if (!sent.client_is_gone) {
    candidate.state = Candidate::State::kNotTaken;
    return Delivery::End::kNotTaken;
  }
  if (sent.error != 0) return Delivery::End::kTakenInPart;
  if (!limits.answer_timeout) return Delivery::End::kTaken;
  return read_answer(daemon, candidate, parcel.payload(), *limits.answer_timeout, acknowledged);
}

int weight(const Candidate& candidate) {
  switch (candidate.state) {
    case Candidate::State::kRefused:
      return 2;
    case Candidate::State::kNotAllowed:
      return 0;
    default:
      return 1;
  }
}

}  // namespace

Delivery deliver(SocketMemory& sockets, int client, const Payload& payload, std::span<Candidate> candidates,
                 const DeliveryLimits& limits) {
  Parcel parcel(payload);
  DaemonSearch search(sockets, candidates, limits.rules, limits.schedule);
  while (true) {
    // Closed only when the answer was read: a daemon whose refusal nobody reads answers the client itself.
    DaemonConnection daemon;
    Candidate* candidate = search.next(daemon);
    if (!candidate) return {};
    const Delivery::End end = deliver_to(*candidate, daemon, client, parcel, limits, sockets.acknowledged);
    if (end != Delivery::End::kNotTaken) return {end, candidate};
  }
}

const Candidate& decisive(std::span<const Candidate> candidates) {
  const Candidate* found = &candidates.front();
  for (const Candidate& candidate : candidates) {
    const bool is_later_refusal = candidate.state == Candidate::State::kRefused;
    if (weight(candidate) > weight(*found) || is_later_refusal) found = &candidate;
  }
  return *found;
}

}  // namespace socket_handoff
