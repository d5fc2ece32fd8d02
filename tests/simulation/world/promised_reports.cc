// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/promised_reports.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "answers/journal_ledger.h"

namespace streaming::simulation {
namespace {

std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory) {
  std::error_code ignored;
  std::vector<std::filesystem::path> entries;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

}  // namespace

std::vector<PromisedReport> promised_reports(const std::string& journals, const Disk& disk, bool of_the_machine) {
  std::vector<PromisedReport> promised;
  if (journals.empty()) return promised;
  for (const std::filesystem::path& process : entries_of(journals)) {
    JournalLedger ledger;
    for (const std::filesystem::path& file : entries_of(process)) {
      const std::string contents = disk.lasting(file.string(), of_the_machine);
      FrameReader reader(contents);
      while (const std::optional<Frame> frame = reader.next()) ledger.add(*frame);
    }
    for (LeftReport& report : ledger.take()) {
      promised.push_back({webhook_id(report.id), std::move(report.body), report.was_running});
    }
  }
  return promised;
}

}  // namespace streaming::simulation
