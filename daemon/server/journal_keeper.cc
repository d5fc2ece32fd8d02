// SPDX-License-Identifier: Apache-2.0
#include "server/journal_keeper.h"

#include <optional>
#include <utility>

#include "answers/limits.h"
#include "answers/undelivered_reports.h"
#include "base/log.h"

namespace streaming {

JournalKeeper::JournalKeeper(JournalDirectory& directory, GivenUpReports& given_up,
                             std::span<const std::unique_ptr<Worker>> workers, bool adopts)
    : directory_(directory),
      given_up_(given_up),
      workers_(workers),
      adopts_(adopts),
      thread_([this](const std::stop_token& stop) { run(stop); }) {
}

void JournalKeeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (adopts_.load(std::memory_order_relaxed)) adopt();
    for (GivenUpReports::GivenUp& given_up : given_up_.take(stop, kAdoptionPause)) store(std::move(given_up));
  }
}

void JournalKeeper::store(GivenUpReports::GivenUp given_up) {
  const Report& report = given_up.report;
  const Status stored = store_undelivered(directory_.path(), {report.id, report.hook, report.body});
  if (!stored) log::error("report {}: {}; it is sent again later", webhook_id(report.id), stored.error().message);
  workers_[given_up.worker]->settle(std::move(given_up.report), stored.ok());
}

void JournalKeeper::adopt() {
  while (std::optional<AdoptedJournal> journal = directory_.adopt_next(adoption_.get_token())) {
    workers_[next_++ % workers_.size()]->adopt(std::move(*journal));
  }
}

}  // namespace streaming
