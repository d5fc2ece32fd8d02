// SPDX-License-Identifier: Apache-2.0
#include "upstream/byte_stream.h"

#include <poll.h>

#include <cerrno>
#include <utility>

namespace streaming {
namespace {

// A transient kernel shortage, which does not concern the connection: retry.
bool passes(std::int32_t result) {
  return result == -ENOMEM || result == -ENOBUFS || result == -EAGAIN || result == -EINTR;
}

}  // namespace

ByteStream::ByteStream(ByteStreamOwner& owner, Origin& origin, ByteStreamEnvironment& environment, const Tags& tags)
    : owner_(&owner), origin_(origin), environment_(environment), tags_(tags), race_(*this, environment.connects) {
}

// --- Opening --------------------------------------------------------------------------------------------------------

void ByteStream::open(AddressList addresses) {
  race_.start(std::move(addresses), origin_.name);
}

void ByteStream::on_not_connected(const std::string& error) {
  owner_->on_lost(ConnectionEnd::kUnreachable, error);
}

void ByteStream::on_connected(UniqueFd socket) {
  socket_ = std::move(socket);
  receive();
  if (origin_.tls == nullptr) {
    open_ = true;
    return owner_->on_open();
  }
  tls_.emplace(*origin_.tls, origin_.resumable, origin_.host, gathered_);
  handshake();
  owner_->on_progress();
}

void ByteStream::handshake() {
  switch (tls_->handshake()) {
    case TlsSession::Outcome::kWantsMore:
      return;
    case TlsSession::Outcome::kDone:
      open_ = true;
      return owner_->on_open();
    case TlsSession::Outcome::kEnded:
      return lose(ConnectionEnd::kTlsFailed, "ended the connection in the midst of the TLS handshake");
    case TlsSession::Outcome::kFailed:
      return owner_->on_lost(ConnectionEnd::kTlsFailed, tls_->error());
  }
}

// --- Receiving ------------------------------------------------------------------------------------------------------

void ByteStream::receive() {
  receiving_ = true;
  environment_.ring.submit_receive_stream(RingFile::regular(socket_.get()), tags_.receive);
}

void ByteStream::on_received(const Completion& completion) {
  CHECK(receiving_);
  receiving_ = completion.more;
  const bool stopped = !receiving_ && std::exchange(stopping_, false);
  if (closed_) return owner_->on_progress();
  if (completion.result > 0) {
    on_bytes(completion.buffer);
  } else if (completion.result == 0) {
    ended_ = !tls_;
    return lose(ConnectionEnd::kClosed, "closed the connection");
  } else if (!passes(completion.result) && !(stopped && completion.result == -ECANCELED)) {
    return owner_->on_lost(ConnectionEnd::kClosed, lost_because(-completion.result));
  }
  if (!receiving_ && !closed_ && wants_bytes_) receive();
}

void ByteStream::stop_receiving() {
  wants_bytes_ = false;
  if (receiving_ && !std::exchange(stopping_, true)) environment_.ring.submit_cancel(tags_.receive);
}

void ByteStream::go_on_receiving() {
  if (!std::exchange(wants_bytes_, true) && !receiving_ && !closed_) receive();
}

void ByteStream::on_bytes(std::span<const char> bytes) {
  owner_->on_progress();
  if (!tls_) return owner_->on_received_bytes(bytes);
  tls_->feed(bytes);
  if (!open_) handshake();
  if (open_ && !closed_) read_records();
}

void ByteStream::read_records() {
  std::span<const char> plaintext;
  while (tls_->has_input()) {
    switch (tls_->read(environment_.plaintext, plaintext)) {
      case TlsSession::Outcome::kDone:
        owner_->on_received_bytes(plaintext);
        if (closed_) return;
        break;
      case TlsSession::Outcome::kWantsMore:
        return;
      case TlsSession::Outcome::kEnded:
        ended_ = true;
        return lose(ConnectionEnd::kClosed, "closed the connection");
      case TlsSession::Outcome::kFailed:
        return owner_->on_lost(ConnectionEnd::kTlsFailed, tls_->error());
    }
  }
}

// --- Sending --------------------------------------------------------------------------------------------------------

void ByteStream::write(std::span<const char> bytes) {
  if (tls_) {
    tls_->write(bytes);
  } else {
    gathered_.append({bytes.data(), bytes.size()});
  }
}

void ByteStream::say_goodbye() {
  if (tls_) tls_->say_goodbye();
}

void ByteStream::flush() {
  CHECK(can_send() && !closed_);
  if (gathered_.empty()) return;
  in_flight_ = std::move(gathered_);
  sent_ = 0;
  submit_send();
}

void ByteStream::submit_send() {
  CHECK(!sending_ && !polling_ && sent_ < in_flight_.size());
  sending_ = true;
  environment_.ring.submit_send(RingFile::regular(socket_.get()), in_flight_.view().substr(sent_), tags_.send);
}

void ByteStream::on_sent(const Completion& completion) {
  CHECK(std::exchange(sending_, false));
  if (closed_) return owner_->on_progress();
  if (passes(completion.result)) {
    polling_ = true;
    environment_.ring.submit_poll(RingFile::regular(socket_.get()), POLLOUT, tags_.writable);
    return;
  }
  if (completion.result < 0) return owner_->on_lost(ConnectionEnd::kClosed, lost_because(-completion.result));
  sent_ += static_cast<std::size_t>(completion.result);
  CHECK(sent_ <= in_flight_.size());
  if (sent_ < in_flight_.size()) return submit_send();
  in_flight_.reset();
  owner_->on_progress();
}

void ByteStream::on_writable(const Completion&) {
  CHECK(std::exchange(polling_, false));
  if (closed_) return owner_->on_progress();
  submit_send();
}

// --- The end --------------------------------------------------------------------------------------------------------

void ByteStream::lose(ConnectionEnd cause, std::string_view what) {
  owner_->on_lost(cause, (origin_.name + " ").append(what));
}

std::string ByteStream::lost_because(int error_number) const {
  return Error::from_errno("the connection to " + origin_.name + " is lost", error_number).message;
}

void ByteStream::close() {
  if (std::exchange(closed_, true)) return;
  race_.stop();
  if (receiving_) environment_.ring.submit_cancel(tags_.receive);
  if (polling_) environment_.ring.submit_cancel(tags_.writable);
}

}  // namespace streaming
