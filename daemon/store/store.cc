// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <utility>

#include "base/log.h"
#include "base/random_id.h"

namespace streaming {
namespace {

std::string log_name(const StoreUrl& url, std::string_view purpose) {
  const std::string place = url.host.empty() ? url.socket : url.host + ":" + std::to_string(url.port);
  return "the store at " + place + std::string(purpose);
}

std::unique_ptr<TlsContext> tls_context(const std::string& ca_file) {
  Result<std::unique_ptr<TlsContext>> made = TlsContext::create(ca_file, false, TlsContext::Protocols::kNone);
  if (made) return std::move(*made);
  log::error("store.ca_file: {}; the store is not used", made.error().message);
  return nullptr;
}

}  // namespace

WakeUp::WakeUp(Store& store, WakeUpOwner& owner, std::string channel)
    : store_(store), owner_(owner), channel_(std::move(channel)) {
  store_.add(*this);
}

WakeUp::~WakeUp() {
  store_.remove(*this);
}

Store::Store(const StoreSettings& settings, UpstreamClient& http, TimerWheel& timers)
    : prefix_(settings.prefix),
      tls_(settings.url.tls ? tls_context(settings.ca_file) : nullptr),
      address_{.url = settings.url, .tls = tls_.get(), .timeout = settings.timeout},
      timers_(timers),
      owner_(random_id()),
      commands_(commands_owner_, log_name(address_.url, ""), address_, http.byte_streams(),
                http.resolver(), timers,
                {.receive = Operation::kStoreReceive, .send = Operation::kStoreSend, .writable = Operation::kStoreWritable}),
      wake_ups_(wake_ups_owner_, log_name(address_.url, ", for wake-ups"), address_,
                http.byte_streams(), http.resolver(), timers,
                {.receive = Operation::kWakeUpsReceive,
                 .send = Operation::kWakeUpsSend,
                 .writable = Operation::kWakeUpsWritable}) {
}

void Store::enter_at(CompletionTable& completions) {
  commands_.enter_at(completions);
  wake_ups_.enter_at(completions);
}

void Store::open(std::function<void(std::string_view order)> take_order) {
  take_order_ = std::move(take_order);
  if (address_.url.tls && tls_ == nullptr) return;
  commands_.open();
  wake_ups_.open();
  orders_wake_up_.emplace(*this, static_cast<WakeUpOwner&>(*this), orders_key(owner_));
}

// --- Life and orders ------------------------------------------------------------------------------------------------

void Store::on_ready() {
  connected_.set(1);
  knows_from_ = timers_.now() + (commands_.has_failed() ? kStoreRecovery : kStoreLifeTime);
  shown_ = false;
  show_life();
  on_timer(heartbeat_);
  users_.for_each([](StoreUser& user) { user.on_store_ready(); });
}

void Store::on_lost() {
  connected_.set(0);
  heartbeat_.stop();
}

void Store::show_life() {
  commands_.send(alive_, {"SET", alive_key(owner_), "1", "PX", std::to_string(kStoreLifeTime.count())});
}

void Store::on_timer(Timer&) {
  // Not SET, which a store that is full does not take.
  if (!alive_.pending()) commands_.send(alive_, {"PEXPIRE", alive_key(owner_), std::to_string(kStoreLifeTime.count())});
  take_orders();
  if (wake_ups_.ready()) wake_ups_.ping();  // whose other end may be gone without a sign
  timers_.schedule(heartbeat_, kStoreHeartbeat);
}

void Store::take_orders() {
  if (commands_.ready() && !orders_.pending()) commands_.send(orders_, {"LPOP", orders_key(owner_), "64"});
}

void Store::on_reply(StoreRequest& request, const StoreReply& reply) {
  if (&request == &alive_) return on_sign_of_life(reply);
  StoreReplyCursor cursor(reply);
  if (!cursor.take_array()) return;
  while (const auto order = cursor.take_text()) take_order_(*order);
}

// To SET; or to PEXPIRE, if the last sign was there, unless this one came so late that others have taken this worker for
// dead, or the store has lost it.
void Store::on_sign_of_life(const StoreReply& reply) {
  if (reply.kind() == StoreReply::Kind::kStatus) shown_ = true;
  if (reply.kind() != StoreReply::Kind::kInteger || reply.integer() != 0) return;
  show_life();
  if (std::exchange(shown_, false)) users_.for_each([](StoreUser& user) { user.on_store_ready(); });
}

// --- Wake-ups -------------------------------------------------------------------------------------------------------

void Store::add(WakeUp& wake_up) {
  IntrusiveList<WakeUp>& listeners = listeners_[wake_up.channel_];
  if (listeners.empty() && wake_ups_.ready()) wake_ups_.send_without_reply({"SUBSCRIBE", wake_up.channel_});
  listeners.push_back(wake_up);
}

void Store::remove(WakeUp& wake_up) {
  wake_up.unlink();
  const auto found = listeners_.find(wake_up.channel_);
  if (!found->second.empty()) return;
  listeners_.erase(found);
  if (wake_ups_.ready()) wake_ups_.send_without_reply({"UNSUBSCRIBE", wake_up.channel_});
}

// What was published while nobody listened is lost, so all look.
void Store::subscribe_all() {
  for (auto& [channel, listeners] : listeners_) wake_ups_.send_without_reply({"SUBSCRIBE", channel});
}

// ["message", CHANNEL, ""], or ["subscribe", CHANNEL, NUMBER]: then what was published before was not heard.
void Store::on_message(const StoreReply& message) {
  StoreReplyCursor cursor(message);
  if (!cursor.take_array()) return;
  const auto kind = cursor.take_text();
  const auto channel = cursor.take_text();
  if (!kind || !channel || *kind == "unsubscribe") return;
  const auto found = listeners_.find(std::string(*channel));
  if (found == listeners_.end()) return;
  found->second.for_each([](WakeUp& wake_up) { wake_up.owner_.on_wake_up(); });
}

// --- Names ----------------------------------------------------------------------------------------------------------

std::string Store::of_answer(std::string_view id, std::string_view part) const {
  return std::string(prefix_).append("{").append(id).append("}:").append(part);
}

std::string Store::user_key(std::string_view user, std::string_view part) const {
  return std::string(prefix_).append("user:{").append(user).append("}:").append(part);
}

std::string Store::of_owner(std::string_view owner, std::string_view part) const {
  return std::string(prefix_).append("worker:").append(owner).append(":").append(part);
}

}  // namespace streaming
