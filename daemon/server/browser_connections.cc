// SPDX-License-Identifier: Apache-2.0
#include "server/browser_connections.h"

#include <utility>

#include "client/client_connection.h"
#include "handoff/client.h"
#include "server/limits.h"

namespace streaming {

class BrowserConnections::Lease final : public ClientConnection::Lease {
 public:
  Lease(UserLimits& browsers, UserLimits::User& browser) : browsers_(browsers), browser_(browser) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() override { browsers_.leave(browser_, 0, {}); }

 private:
  UserLimits& browsers_;
  UserLimits::User& browser_;
};

class BrowserConnections::CountedReservation final : public Reservation {
 public:
  // Without a lease the connection must stay with Apache.
  CountedReservation(std::unique_ptr<Reservation> place, std::unique_ptr<Lease> lease)
      : place_(std::move(place)), lease_(std::move(lease)) {}

  bool is_relay_only() const override { return !lease_ || place_->is_relay_only(); }
  Admission take(Client& client) override {
    if (client.connection) client.connection->keep(std::move(lease_));
    return place_->take(client);
  }

 private:
  const std::unique_ptr<Reservation> place_;
  std::unique_ptr<Lease> lease_;
};

std::string BrowserConnections::browser_of(const HandoffRequest& request) {
  const ApacheFacts& facts = request.apache;
  if (facts.browser.empty()) return {};
  std::string name(facts.client.substr(0, kMaxKeptAddressBytes));
  for (const std::string_view part : {std::string_view(request.user_id), facts.browser.substr(0, kMaxBrowserBytes)}) {
    name.append("\n").append(part);
  }
  return name;
}

std::unique_ptr<Reservation> BrowserConnections::count(const std::string& browser,
                                                       std::unique_ptr<Reservation> reservation, Time now) {
  if (browser.empty()) return reservation;
  const UserLimits::Entry entry = browsers_.enter(browser, now);
  std::unique_ptr<Lease> lease;
  if (!entry.refused()) lease = std::make_unique<Lease>(browsers_, *entry.user);
  return std::make_unique<CountedReservation>(std::move(reservation), std::move(lease));
}

}  // namespace streaming
