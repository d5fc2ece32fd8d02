// SPDX-License-Identifier: Apache-2.0
#include "answers/journal_ledger.h"

#include <utility>

#include "answers/answer_record.h"
#include "answers/answer_report.h"
#include "answers/limits.h"

namespace streaming {

void JournalLedger::add(const Frame& frame) {
  Answer& answer = answers_[frame.id];
  if (answer.done) return;
  switch (frame.type) {
    case FrameType::kBegin:
      if (const auto begin = read_begin(frame.content)) {
        answer.begun = true;
        answer.hook = begin->hook;
        answer.beginning = begin->beginning;
      }
      return;
    case FrameType::kText:
      if (const auto text = read_text(frame.content)) add_text(answer, *text);
      return;
    case FrameType::kReport:
      if (const auto report = read_report(frame.content)) add_report(answer, frame.id, *report);
      return;
    case FrameType::kClientEnd:
      answer.client_has_end = read_client_end(frame.content);
      return;
    case FrameType::kDone:
      answer = Answer{};
      answer.done = true;
      return;
  }
}

// A text never lacks its middle: what comes behind a gap is left out.
void JournalLedger::add_text(Answer& answer, const TextContent& content) {
  std::string& text = content.reasoning ? answer.reasoning : answer.text;
  if (content.offset != text.size() || text.size() + content.text.size() > kMaxRecordBytes) {
    answer.has_gap = true;
  } else {
    text.append(content.text);
  }
}

void JournalLedger::add_report(Answer& answer, const ReportId& id, const ReportContent& content) {
  if (answer.report && answer.report->failures > content.failures) return;
  answer.report = LeftReport{.id = id,
                             .hook = std::string(content.hook),
                             .body = std::string(content.body),
                             .failures = content.failures,
                             .due = content.due};
}

std::vector<LeftReport> JournalLedger::take() {
  std::vector<LeftReport> left;
  for (auto& [id, answer] : answers_) {
    if (answer.done || (!answer.report && !answer.begun)) continue;
    LeftReport report = answer.report ? std::move(*answer.report) : cut_report(id, answer);
    if (!report.body.starts_with(kClientHasEnd)) {
      report.body = with_client_has_end(std::move(report.body), answer.client_has_end);
    }
    left.push_back(std::move(report));
  }
  answers_.clear();
  return left;
}

LeftReport JournalLedger::cut_report(const ReportId& id, Answer& answer) {
  ByteBudget budget(4 * kMaxRecordBytes);
  AnswerRecord record(budget);
  record.add({.kind = AnswerEvent::Kind::kText, .text = answer.text});
  record.add({.kind = AnswerEvent::Kind::kReasoning, .text = answer.reasoning});
  if (answer.has_gap) record.cut_here();
  return LeftReport{.id = id,
                    .hook = std::move(answer.hook),
                    .body = whole_report(std::move(answer.beginning), record, {.cause = kCutCause}),
                    .was_running = true};
}

}  // namespace streaming
