// SPDX-License-Identifier: Apache-2.0
#include "server/answer_totals.h"

#include "answers/undelivered_reports.h"

namespace streaming {

AnswerTotals answer_totals(std::span<const std::unique_ptr<Worker>> workers, const std::string& journals) {
  AnswerTotals totals;
  for (const std::unique_ptr<Worker>& worker : workers) {
    const AnswerMetrics& answers = worker->answer_metrics();
    totals.running += answers.running.get();
    totals.ended += answers.ended.get();
    totals.bytes += answers.bytes.get();
    totals.followers += answers.followers.get();
    totals.waiting_reports += worker->waiting_reports();
  }
  if (!journals.empty()) totals.undelivered_reports = count_undelivered(journals);
  return totals;
}

}  // namespace streaming
