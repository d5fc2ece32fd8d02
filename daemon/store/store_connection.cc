// SPDX-License-Identifier: Apache-2.0
#include "store/store_connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "store/limits.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

// Of elements, or of bytes.
void append_count(Buffer& commands, char kind, std::size_t count) {
  std::array<char, std::numeric_limits<std::size_t>::digits10 + 1> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), count).ptr;
  commands.append(kind);
  commands.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
  commands.append(kLineEnd);
}

// These pass by themselves: the server has just started, or another one is the primary now. A new connection finds out.
bool ends_connection(std::string_view error) {
  return error.starts_with("LOADING") || error.starts_with("READONLY") || error.starts_with("MASTERDOWN");
}

}  // namespace

void StoreRequest::forget() {
  for (Expected* expected : expected_) expected->request = nullptr;
  expected_.clear();
}

StoreConnection::StoreConnection(StoreConnectionOwner& owner, std::string name, const StoreAddress& address,
                                 ByteStreamEnvironment& environment, Resolver& resolver, TimerWheel& timers,
                                 const Operations& operations)
    : owner_(owner),
      address_(address),
      environment_(environment),
      resolver_(resolver),
      timers_(timers),
      operations_(operations),
      origin_{.host = address.url.host,
              .port = address.url.port,
              .tls = address.tls,
              .resumable = nullptr,
              .name = "the store"},
      gate_(std::move(name), kMaxStorePause) {
}

StoreConnection::~StoreConnection() {
  for (StoreRequest::Expected& expected : expected_) {
    if (expected.request != nullptr) expected.request->expected_.clear();
  }
}

void StoreConnection::enter_at(CompletionTable& completions) {
  completions.enter<&StoreConnection::on_received>(operations_.receive, *this);
  completions.enter<&StoreConnection::on_sent>(operations_.send, *this);
  completions.enter<&StoreConnection::on_writable>(operations_.writable, *this);
}

// --- Opening --------------------------------------------------------------------------------------------------------

void StoreConnection::open() {
  CHECK(state_ == State::kClosed || state_ == State::kPausing);
  if (origin_.host.empty()) return connect({unix_address(address_.url.socket)});
  state_ = State::kResolving;
  resolver_.ask(origin_.host, *this);
}

void StoreConnection::on_addresses(const Result<AddressList>& found) {
  if (!found) return pause(ConnectionEnd::kNoAddress, found.error().message);
  AddressList addresses = *found;
  for (Address& address : addresses) address.set_port(origin_.port);
  connect(std::move(addresses));
}

void StoreConnection::connect(AddressList addresses) {
  state_ = State::kOpening;
  timers_.schedule(timer_, address_.timeout);
  ByteStreamOwner& owner = *this;
  stream_.emplace(owner, origin_, environment_,
                     ByteStream::Tags{.receive = {operations_.receive, {}},
                                     .send = {operations_.send, {}},
                                     .writable = {operations_.writable, {}}});
  stream_->open(std::move(addresses));
}

// Tells who we are. PING has an error as its reply if the store wants to know more than we have told.
void StoreConnection::on_open() {
  state_ = State::kGreeting;
  greetings_ = 0;
  const StoreUrl& url = address_.url;
  if (!url.password.empty() && url.user.empty()) {
    greet({"AUTH", url.password});
  } else if (!url.password.empty()) {
    greet({"AUTH", url.user, url.password});
  }
  if (url.database != 0) greet({"SELECT", std::to_string(url.database)});
  greet({"PING"});
}

void StoreConnection::greet(std::initializer_list<std::string_view> command) {
  ++greetings_;
  add_command(command);
}

void StoreConnection::on_greeting(const StoreReply& reply) {
  if (reply.is_error()) return on_lost(ConnectionEnd::kRefused, "the store refuses us: " + std::string(reply.text()));
  if (--greetings_ > 0) return;
  timer_.stop();
  state_ = State::kReady;
  gate_.on_answer();
  owner_.on_store_ready();
}

// --- Commands -------------------------------------------------------------------------------------------------------

bool StoreConnection::has_room() const {
  return unanswered_bytes_ < kMaxUnansweredStoreBytes;
}

// By hand: hiredis puts a command together in memory of its own, with 10,000 instructions for one of 14 arguments.
std::size_t StoreConnection::add_command(std::initializer_list<std::string_view> command) {
  const std::size_t before = commands_.size();
  append_count(commands_, '*', command.size());
  for (const std::string_view argument : command) {
    append_count(commands_, '$', argument.size());
    commands_.append(argument);
    commands_.append(kLineEnd);
  }
  timers_.at_turn_end(flush_);
  return commands_.size() - before;
}

void StoreConnection::send(StoreRequest& request, std::initializer_list<std::string_view> command) {
  CHECK(ready());
  const std::size_t bytes = add_command(command);
  unanswered_bytes_ += bytes;
  if (!expected_.empty() && expected_.back().request == &request) {
    ++expected_.back().replies;
    expected_.back().bytes += bytes;
    return;
  }
  expected_.push_back({&request, 1, bytes, timers_.now()});
  request.expected_.push_back(&expected_.back());
  if (!timer_.pending()) timers_.schedule(timer_, address_.timeout);
}

void StoreConnection::send_without_reply(std::initializer_list<std::string_view> command) {
  CHECK(ready());
  add_command(command);
}

void StoreConnection::ping() {
  CHECK(expected_.empty());
  if (pinged_) return;
  send_without_reply({"PING"});
  pinged_ = timers_.now();
  if (!timer_.pending()) timers_.schedule(timer_, address_.timeout);
}

// Sends what the turn has brought, as far as the last bytes are sent.
void StoreConnection::on_work(Work&) {
  if (state_ == State::kClosing) {
    if (stream_ && !stream_->idle()) return;
    stream_.reset();
    state_ = State::kPausing;
    return timers_.schedule_at(timer_, gate_.opens_at());
  }
  if (!stream_ || !stream_->can_send()) return;
  std::string_view rest = commands_.view();
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, kTlsRecordBytes);
    stream_->write(piece);
    rest.remove_prefix(piece.size());
  }
  commands_.reset();
  stream_->flush();
}

// --- Replies --------------------------------------------------------------------------------------------------------

void StoreConnection::on_received_bytes(std::span<const char> bytes) {
  if (const Status fed = reader_.feed(bytes); !fed) return on_lost(ConnectionEnd::kClosed, fed.error().message);
  while (state_ == State::kGreeting || state_ == State::kReady) {
    const Result<const StoreReply*> reply = reader_.next();
    if (!reply) return on_lost(ConnectionEnd::kClosed, reply.error().message);
    if (*reply == nullptr) return;
    if (state_ == State::kGreeting) {
      on_greeting(**reply);
    } else {
      take(**reply);
    }
  }
}

void StoreConnection::take(const StoreReply& reply) {
  if (reply.is_error() && ends_connection(reply.text())) return on_lost(ConnectionEnd::kRefused, reply.text());
  if (expected_.empty()) {
    pinged_.reset();
    return owner_.on_message(reply);
  }
  StoreRequest::Expected& expected = expected_.front();
  StoreRequest* const request = expected.request;
  if (--expected.replies == 0) {
    unanswered_bytes_ -= expected.bytes;
    if (request != nullptr) request->expected_.erase(request->expected_.begin());
    expected_.pop_front();
  }
  if (request != nullptr) request->owner_.on_reply(*request, reply);
}

void StoreConnection::on_timer(Timer&) {
  switch (state_) {
    case State::kPausing:
      return open();
    case State::kReady:
      if (!oldest_sent()) return;
      if (const Time due = *oldest_sent() + address_.timeout; timers_.now() < due) {
        return timers_.schedule_at(timer_, due);
      }
      return on_lost(ConnectionEnd::kSilent, "the store does not answer");
    default:
      return on_lost(ConnectionEnd::kUnreachable, "the store took too long to connect");
  }
}

std::optional<Time> StoreConnection::oldest_sent() const {
  return expected_.empty() ? pinged_ : expected_.front().sent;
}

// --- The end of a connection ----------------------------------------------------------------------------------------

void StoreConnection::on_lost(ConnectionEnd cause, std::string_view error) {
  const bool was_ready = ready();
  if (cause == ConnectionEnd::kUnreachable) resolver_.forget(origin_.host);
  pause(cause, std::string(error));
  reader_.reset();
  commands_.reset();
  unanswered_bytes_ = 0;
  pinged_.reset();
  drop_expected();
  if (was_ready) owner_.on_store_lost();
}

void StoreConnection::drop_expected() {
  for (StoreRequest::Expected& expected : std::exchange(expected_, {})) {
    StoreRequest* const request = expected.request;
    if (request == nullptr) continue;
    request->forget();
    request->owner_.on_unanswered(*request);
  }
}

void StoreConnection::pause(ConnectionEnd cause, std::string_view error) {
  timer_.stop();
  has_failed_ = true;
  gate_.on_failure(cause, error, timers_.now());
  state_ = State::kClosing;
  if (stream_) stream_->close();
  timers_.at_turn_end(flush_);
}

}  // namespace streaming
