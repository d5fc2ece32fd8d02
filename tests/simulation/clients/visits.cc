// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/visits.h"

#include <charconv>
#include <utility>

#include "protocol/connection_part.h"
#include "protocol/handoff_protocol.h"
#include "support/connection_part.h"

namespace streaming::simulation {
namespace {

using Mischief = Visit::Mischief;

const std::string kNothing(1, handoff_protocol::kNoPayload);

std::string reservation_part() {
  return {handoff_protocol::kReservationPart.begin(), handoff_protocol::kReservationPart.end()};
}

HandedFile payload_file(const Visit& visit) {
  return {.kind = HandedFile::Kind::kMemfd, .contents = visit.wish.payload};
}

// A part with state that no connection has.
std::string part_of_broken_state(Random& random) {
  handoff_protocol::TlsState tls;
  tls.from_client.sequence = random.next();
  tls.to_client.sequence = random.one_in(2) ? UINT64_MAX - random.below(3) : random.next();
  for (auto& byte : tls.to_client.key) byte = static_cast<std::uint8_t>(random.next());
  return connection_part(tls);
}

std::string broken_part(std::string part, Random& random) {
  if (part.empty()) part = part_of_broken_state(random);
  switch (random.below(5)) {
    case 0:
      part[1] = 9;  // the version
      return part;
    case 1:
      part[4] = 77;  // the section
      return part;
    case 2:
      part[2] = static_cast<char>(0xff);  // the length
      return part;
    case 3:
      part[7] = static_cast<char>(part[7] ^ 1);  // a section's length
      return part;
    default:
      return part.substr(0, random.between(1, part.size() - 1));  // and no more
  }
}

}  // namespace

std::string Visit::description() const {
  static constexpr std::string_view kWires[] = {"plain", "TLS", "HTTP/2", "HTTP/2 over TLS"};
  std::string text =
      "visit " + std::to_string(number) + " (" + std::string(kWires[static_cast<int>(client().wire().kind())]);
  if (is_reserved) text += ", reserved";
  if (mischief != Mischief::kNone) text += ", mischief " + std::to_string(static_cast<int>(mischief));
  return text + "; " + wish.payload.substr(0, 300) + ")";
}

Visits::Visits(const VisitSettings& settings, Random random, Schedule& schedule)
    : settings_(settings),
      random_(random),
      schedule_(schedule),
      wishes_(settings.wishes, random_.fork(), [this](const std::string& id) { return last_event_of(id); }) {
}

bool broke_off_with_daemon(const Visit& client, const ReceivedAnswer& received, const DaemonHistory& history) {
  return !client.wish.answer_id.empty() && received.error_code == "upstream_truncated" && history.was_killed_since(client.came);
}

void Visits::set(const WishSettings& settings) {
  settings_.wishes = settings;
  wishes_.set(settings);
}

bool Visits::somebody_waits() {
  while (!waiting_.empty() && waiting_.back()->is_over()) waiting_.pop_back();
  return !waiting_.empty();
}

std::string Visits::who_waits() const {
  std::string all;
  for (const auto& visit : visits_) {
    if (visit->is_over()) continue;
    const Visitor& client = visit->client();
    all += "\n" + visit->description() + ": " + (visit->handoff->is_over() ? "" : "Apache waits; ") +
           (client.was_handed_over() ? "the client has " + std::to_string(client.received_bytes()) + " bytes"
                                     : "no client");
    all += ", reading " + std::to_string(static_cast<int>(client.habits().reading)) + ", leaving " +
           std::to_string(static_cast<int>(client.habits().leaving));
  }
  return all;
}

ClientWire::Kind Visits::draw_wire() {
  using Kind = ClientWire::Kind;
  return random_.pick({Kind::kPlain, Kind::kPlain, Kind::kTls, Kind::kHttp2, Kind::kHttp2OverTls});
}

// Of the one that has asked for it last and got something.
std::uint32_t Visits::last_event_of(const std::string& answer_id) const {
  constexpr std::string_view kId = "\nid: ";
  for (auto visit = visits_.rbegin(); visit != visits_.rend(); ++visit) {
    if ((*visit)->wish.answer_id != answer_id || !(*visit)->client().was_handed_over()) continue;
    const std::string body = (*visit)->client().wire().response().body;
    std::uint32_t number = 0;
    // Behind it there may be an end, whose id is a word.
    std::size_t at = body.size();
    while (number == 0 && at > 0 && (at = body.rfind(kId, at - 1)) != std::string::npos) {
      std::from_chars(body.data() + at + kId.size(), body.data() + body.size(), number);
    }
    if (number > 0) return number;
  }
  return 0;
}

std::unique_ptr<Visitor> Visits::make_visitor(ClientWire::Kind wire) {
  const Visitor::Habits habits = Visitor::Habits::draw(random_);
  return std::make_unique<Visitor>(wire, habits, random_.fork(), schedule_);
}

Handoff& Visits::arrive() {
  Visit& visit = *visits_.emplace_back(std::make_unique<Visit>());
  visit.number = static_cast<std::uint32_t>(visits_.size());
  visit.came = schedule_.now();
  visit.wish = wishes_.next();
  visit.visitor = make_visitor(draw_wire());
  visit.handoff = std::make_unique<Handoff>(draw_script(visit), schedule_);
  waiting_.push_back(&visit);
  return *visit.handoff;
}

// --- What Apache sends ----------------------------------------------------------------------------------------------

HandoffScript Visits::draw_script(Visit& visit) {
  using Patience = HandoffScript::Patience;
  ClientWire& wire = visit.visitor->wire();
  HandedFile client{.kind = HandedFile::Kind::kTcp, .peer = visit.visitor.get()};
  if (wire.is_plain() && random_.one_in(3)) client.kind = HandedFile::Kind::kUnixPair;
  HandoffScript script;
  visit.is_reserved = settings_.is_seqpacket && random_.one_in(wire.is_http2() ? 2 : 12);
  if (visit.is_reserved) {
    script = reservation(visit, std::move(client));
  } else {
    script.messages.push_back(whole_message(visit, std::move(client)));
  }
  script.patience =
      random_.pick({Patience::kWaits, Patience::kWaits, Patience::kWaits, Patience::kWaits, Patience::kShutsDown,
                    Patience::kClosesAtOnce, Patience::kClosesSoon, Patience::kReadsNever, Patience::kReadsLate});
  script.pause = Duration(random_.one_in(2) ? random_.below(10) : random_.below(8'000));
  if (!settings_.is_seqpacket && random_.one_in(3)) script.messages.front().parts = random_.between(2, 8);
  if (random_.one_in(10)) spoil(visit, script);
  return script;
}

HandoffScript::Message Visits::whole_message(Visit& visit, HandedFile client) {
  HandoffScript::Message message;
  message.bytes = visit.visitor->wire().connection_part() + (visit.wish.is_in_memfd ? kNothing : visit.wish.payload);
  message.files.push_back(std::move(client));
  if (visit.wish.is_in_memfd) message.files.push_back(payload_file(visit));
  return message;
}

HandoffScript Visits::reservation(Visit& visit, HandedFile client) {
  HandoffScript script;
  HandoffScript::Message place{.bytes = reservation_part() + (visit.wish.is_in_memfd ? kNothing : visit.wish.payload),
                               .files = {}};
  if (visit.wish.is_in_memfd) place.files.push_back(payload_file(visit));
  script.messages.push_back(std::move(place));
  const Duration delay(random_.one_in(2) ? 0 : random_.one_in(8) ? random_.below(15'000) : random_.below(100));
  script.messages.push_back(
      {.bytes = visit.visitor->wire().connection_part() + kNothing, .files = {std::move(client)}, .delay = delay});
  script.leaves_place = random_.one_in(12);
  visit.relay = make_visitor(ClientWire::Kind::kPlain);
  script.client_by_relay = {
      .bytes = kNothing, .files = {{.kind = HandedFile::Kind::kUnixPair, .peer = visit.relay.get()}}, .delay = delay};
  return script;
}

void Visits::spoil(Visit& visit, HandoffScript& script) {
  using Kind = HandedFile::Kind;
  HandoffScript::Message& first = script.messages.front();
  HandoffScript::Message& last = script.messages.back();
  const std::string part = visit.visitor->wire().connection_part();
  const auto mischief = static_cast<Mischief>(random_.between(1, static_cast<int>(Mischief::kPayloadTwice)));
  const bool needs_reservation = mischief == Mischief::kNoReservedClient || mischief == Mischief::kPayloadTwice;
  if (needs_reservation != visit.is_reserved && mischief != Mischief::kSilent) return;
  visit.mischief = mischief;
  switch (mischief) {
    case Mischief::kNone:
      break;
    case Mischief::kSilent:
      script.messages.clear();
      script.pause = Duration(random_.below(12'000));
      break;
    case Mischief::kNoDescriptor:
    case Mischief::kNoReservedClient:
      last.files.clear();
      break;
    case Mischief::kThreeDescriptors:
      first.files.resize(3, {.kind = Kind::kPipe});
      break;
    case Mischief::kNoSocket:
      first.files.front() = {.kind = random_.pick({Kind::kPipe, Kind::kDatagram, Kind::kListener, Kind::kMemfd})};
      break;
    case Mischief::kNoPayloadFile:
      first.bytes = part + kNothing;
      first.files.resize(1);
      first.files.push_back({.kind = Kind::kPipe});
      break;
    case Mischief::kUnsealedPayload:
      first.bytes = part + kNothing;
      first.files.resize(1);
      first.files.push_back(payload_file(visit));
      first.files.back().is_sealed = false;
      break;
    case Mischief::kMessageTooLarge:
      first.bytes =
          part + "{\"bulk\":\"" + std::string(handoff_protocol::kMaxMessageBytes + random_.below(100'000), 'b') + "\"}";
      first.files.resize(1);
      break;
    case Mischief::kBrokenPart:
      first.bytes = broken_part(part, random_);
      break;
    case Mischief::kBrokenTlsState:
      first.bytes = part_of_broken_state(random_) + first.bytes.substr(part.size());
      break;
    case Mischief::kPayloadTwice:
      last.bytes = part + "{}";
      break;
  }
}

}  // namespace streaming::simulation
