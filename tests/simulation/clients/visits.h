// SPDX-License-Identifier: Apache-2.0
// Visits: all who come to a simulated daemon: hand-offs with their clients, good and hostile; and the reckoning of what
// each client has got.
//
// One per World, on its thread. Outlives the Schedule's work and all connections.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/clients/answer_ledger.h"
#include "simulation/clients/handoff.h"
#include "simulation/peer.h"
#include "simulation/random.h"
#include "simulation/daemon_history.h"
#include "simulation/upstreams/hook_service.h"
#include "simulation/upstreams/upstream_reckoning.h"
#include "simulation/clients/visitor.h"
#include "simulation/clients/wish.h"

namespace streaming::simulation {

// Where reports of answers come, and what excuses one that does not.
struct ReportWitness {
  const HookService* hook = nullptr;
  const DaemonHistory* history = nullptr;
  Duration sure_patience{0};  // within which the daemon certainly takes the hook's answer
};

struct VisitSettings {
  WishSettings wishes;
  bool is_seqpacket = true;
  const UpstreamReckoning* upstreams = nullptr;  // of the backends that have an API; null: there are none
  std::optional<ReportWitness> reports = {};     // nothing: there is no hook
};

struct Visit {
  // What the hand-off does that Apache would not.
  enum class Mischief : std::uint8_t {
    kNone,
    kSilent,  // sends nothing
    kNoDescriptor,
    kThreeDescriptors,
    kNoSocket,       // in place of the client
    kNoPayloadFile,  // a pipe in place of the memfd
    kUnsealedPayload,
    kMessageTooLarge,
    kBrokenPart,
    kBrokenTlsState,    // keys that the client does not have, or a number that leaves no room
    kNoReservedClient,  // the second message brings none
    kPayloadTwice,      // with the reservation and with its client
  };

  std::uint32_t number = 0;
  Time came{};
  Wish wish;
  Mischief mischief = Mischief::kNone;
  bool is_reserved = false;
  std::unique_ptr<Visitor> visitor;
  std::unique_ptr<Visitor> relay;  // of a reservation, if the client's answer must be relayed
  std::unique_ptr<Handoff> handoff;

  const Visitor& client() const { return relay && relay->was_handed_over() ? *relay : *visitor; }
  // The daemon was, while it had the client or the hand-off.
  bool was_killed() const { return client().mishaps().was_killed || handoff->mishaps().was_killed; }
  bool is_over() const { return handoff->is_over() && (!client().was_handed_over() || client().is_closed()); }
  std::string description() const;
};

// What broke off for this client was an answer of another daemon, which was killed while this one handed it on.
bool broke_off_with_daemon(const Visit& client, const ReceivedAnswer& received, const DaemonHistory& history);

class Visits {
 public:
  Visits(const VisitSettings& settings, Random random, Schedule& schedule);

  // Another one, good or not. Its on_open() is to be called next.
  Handoff& arrive();
  // What the configuration is from now on.
  void set(const WishSettings& settings);

  const std::vector<std::unique_ptr<Visit>>& all() const { return visits_; }
  // Whether somebody still waits for the daemon. Cheap: it is asked after each step.
  bool somebody_waits();
  std::string who_waits() const;

  // What was wrong, each with the visit that shows it, of those who wait no more.
  std::vector<std::string> violations();
  // How visits have ended, by name. Behind violations().
  const std::map<std::string_view, std::size_t>& outcomes() const { return outcomes_; }

 private:
  std::uint32_t last_event_of(const std::string& answer_id) const;
  ClientWire::Kind draw_wire();
  std::unique_ptr<Visitor> make_visitor(ClientWire::Kind wire);
  HandoffScript draw_script(Visit& visit);
  HandoffScript::Message whole_message(Visit& visit, HandedFile client);
  HandoffScript reservation(Visit& visit, HandedFile client);
  void spoil(Visit& visit, HandoffScript& script);

  // The reckoning: the outcome's name.
  std::string_view reckon(const Visit& visit);
  std::string_view reckon_answer(const Visit& visit, const HttpResponse& response);
  std::string_view reckon_refusal(const Visit& visit, const HttpResponse& response);
  void check_text(const Visit& visit, const ReceivedAnswer& answer);
  void check_text_of_api(const Visit& visit, const ReceivedAnswer& answer, const std::vector<std::string>& prompts);
  void check_ledgers();
  void check_reports();
  bool may_get_no_end(const Visit& visit) const;
  void complain(const Visit& visit, std::string_view what);

  VisitSettings settings_;
  Random random_;
  Schedule& schedule_;
  Wishes wishes_;
  std::vector<std::unique_ptr<Visit>> visits_;
  std::vector<const Visit*> waiting_;  // and others, of whom somebody_waits() has not found out yet
  std::vector<std::string> violations_;
  std::map<std::string_view, std::size_t> outcomes_;
};

}  // namespace streaming::simulation
