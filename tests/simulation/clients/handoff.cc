// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/handoff.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <utility>

#include "protocol/connection_part.h"
#include "protocol/handoff_protocol.h"

namespace streaming::simulation {
namespace {

// As mod_socket_handoff's deadline, which is longer than the daemon takes for an answer.
constexpr Duration kMostPatience{20'000};

}  // namespace

void Handoff::later(Duration delay, void (Handoff::*work)()) {
  schedule_.after(delay, [this, work] {
    if (connection_ != nullptr) (this->*work)();
  });
}

void Handoff::on_open(HandoffConnection& connection) {
  connection_ = &connection;
  if (script_.messages.empty()) return later(script_.pause, &Handoff::leave);
  begin_message();
}

// --- Messages -------------------------------------------------------------------------------------------------------

void Handoff::begin_message() {
  const Duration delay = script_.messages[sent_].delay;
  if (delay == Duration(0)) return send_message();
  later(delay, &Handoff::send_message);
}

void Handoff::send_message() {
  HandoffScript::Message& message = script_.messages[sent_++];
  part_bytes_ = message.bytes.size() / message.parts + 1;
  rest_ = message.bytes.substr(std::min(part_bytes_, message.bytes.size()));
  connection_->send(std::string_view(message.bytes).substr(0, part_bytes_), std::move(message.files));
  send_part();
}

void Handoff::send_part() {
  if (connection_ == nullptr || is_decided_) return;
  if (rest_.empty()) return wait_or_not();
  later(Duration(1), &Handoff::send_part);
  const std::string part = rest_.substr(0, part_bytes_);
  rest_.erase(0, part.size());
  connection_->send(part, {});
}

void Handoff::wait_or_not() {
  using Patience = HandoffScript::Patience;
  if (sent_ < script_.messages.size()) return later(kMostPatience, &Handoff::leave);
  switch (script_.patience) {
    case Patience::kClosesAtOnce:
      has_left_at_once_ = true;
      return leave();
    case Patience::kClosesSoon:
      connection_->set_reading(false);
      return later(script_.pause, &Handoff::leave);
    case Patience::kReadsNever:
      connection_->set_reading(false);
      return later(3 * kMostPatience, &Handoff::leave);
    case Patience::kReadsLate:
      connection_->set_reading(false);
      later(script_.pause, &Handoff::read_late);
      break;
    case Patience::kShutsDown:
      connection_->shutdown_write();
      break;
    case Patience::kWaits:
      break;
  }
  later(kMostPatience, &Handoff::leave);
}

void Handoff::read_late() {
  connection_->set_reading(true);
}

// The client is the daemon's, or nobody's.
void Handoff::leave() {
  connection_->forget_files();
  if (connection_ != nullptr) connection_->close();
}

// --- The daemon's answer --------------------------------------------------------------------------------------------

void Handoff::on_message(std::string_view message) {
  if (is_decided_) {
    problem_ = "a second answer to a hand-off: " + std::string(message);
  } else if (message.starts_with(handoff_protocol::kRefused)) {
    read_refusal(message);
    is_decided_ = true;
    leave();
  } else if (!message.starts_with(handoff_protocol::kAccepted)) {
    problem_ = "no answer to a hand-off: " + std::string(message);
  } else if (sent_ < script_.messages.size()) {
    take_place(message);
  } else {
    if (message.size() > 1) problem_ = "more than an acceptance: " + std::string(message);
    is_decided_ = true;
    verdict_ = Verdict::kAccepted;
    connection_->forget_files();
    if (connection_ != nullptr) connection_->close();
  }
}

void Handoff::take_place(std::string_view message) {
  const bool is_for_relay = message.substr(1) == handoff_protocol::kRelayOnly;
  if (message.size() > 1 && !is_for_relay) problem_ = "no place: " + std::string(message);
  if (script_.leaves_place) {
    is_decided_ = true;
    return leave();
  }
  if (is_for_relay) {
    was_relayed_ = true;
    script_.messages[sent_] = std::move(script_.client_by_relay);
  }
  begin_message();
}

void Handoff::read_refusal(std::string_view message) {
  verdict_ = Verdict::kRefused;
  rapidjson::Document json;
  json.Parse(message.data() + 1, message.size() - 1);
  const bool is_whole = json.IsObject() && json.HasMember("status") && json["status"].IsInt() &&
                        json.HasMember("connection") &&
                        json["connection"].GetInt() == handoff_protocol::kConnectionVersion;
  if (!is_whole) problem_ = "no refusal: " + std::string(message);
  if (is_whole) status_ = json["status"].GetInt();
}

void Handoff::on_end_of_file(bool was_read) {
  if (!is_decided_) {
    was_closed_by_daemon_ = true;
    was_left_unread_ = !was_read;
  }
  is_decided_ = true;
  leave();
}

void Handoff::on_closed() {
  mishaps_ = connection_->mishaps();
  connection_ = nullptr;
  is_over_ = true;
}

}  // namespace streaming::simulation
