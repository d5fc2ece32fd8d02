// SPDX-License-Identifier: Apache-2.0
// JournalLedger: what the frames of a process's journals leave to be done: reports that no hook has taken, and answers
// that ran when the process ended. Pure; the frames may come from its files in any order, but a file's in theirs.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "answers/journal_format.h"

namespace streaming {

struct LeftReport {
  ReportId id{};
  std::string hook;
  std::string body;
  std::uint8_t failures = 0;
  WallTime due{};
  bool was_running = false;  // the answer had not ended
};

class JournalLedger {
 public:
  void add(const Frame& frame);

  // All of them; the ledger is empty then.
  std::vector<LeftReport> take();

 private:
  struct Answer {
    bool begun = false;
    bool done = false;
    bool has_gap = false;  // a part of its texts is missing
    std::optional<bool> client_has_end;
    std::string hook;
    std::string beginning;
    std::string text;
    std::string reasoning;
    std::optional<LeftReport> report;  // the one with the most failures
  };

  static void add_text(Answer& answer, const TextContent& content);
  static void add_report(Answer& answer, const ReportId& id, const ReportContent& content);
  static LeftReport cut_report(const ReportId& id, Answer& answer);

  std::map<ReportId, Answer> answers_;
};

}  // namespace streaming
