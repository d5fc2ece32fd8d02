// SPDX-License-Identifier: Apache-2.0
// JournalDirectory: where this process has its journals, and what other processes have left beside them.
//
// Each process has a directory of its own in it, with a lock that it holds as long as it lives: a directory whose lock
// is free belongs to a process that has ended, in order or not, and who gets the lock delivers what it has left. Owned
// by the Server, whose JournalKeeper has a thread for adopt_next(). All of it may wait for the disk.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "answers/journal_ledger.h"
#include "answers/report_delivery.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// A file in this process's directory with all reports that another one has left.
struct AdoptedJournal {
  UniqueFd file;
  std::string name;
  std::uint64_t bytes = 0;
  std::vector<AdoptedReport> reports;
};

class JournalDirectory {
 public:
  // Makes it if it is missing. An Error if every user of the system can write to it.
  static Result<JournalDirectory> open(const std::string& path);
  // Whether open() would succeed. Makes nothing, because another user may ask.
  static Status check(const std::string& path);

  // This process's own.
  int own() const { return own_.get(); }

  // What one other process has left; nothing if there is none, if it cannot be read now, or if `stop` is requested.
  std::optional<AdoptedJournal> adopt_next(const std::stop_token& stop = {});

  // Leaves these to who adopts this process's directory.
  Status leave(std::vector<LeftReport> reports);

  const std::string& path() const { return path_; }

 private:
  JournalDirectory() = default;
  Status make_own();
  std::optional<AdoptedJournal> adopt(const std::string& name, const UniqueFd& directory, const std::stop_token& stop);
  Result<AdoptedJournal> write_down(std::vector<LeftReport> reports);

  std::string path_;
  UniqueFd all_;
  UniqueFd own_;
  UniqueFd lock_;
  std::string own_name_;
  std::uint32_t adopted_ = 0;  // files that were made here
};

}  // namespace streaming
