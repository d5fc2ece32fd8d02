// SPDX-License-Identifier: Apache-2.0
#include "top/view.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace top {
namespace {

constexpr int kLeft = 1;        // a column of margin
constexpr int kValueEnd = 22;   // where figures end
constexpr int kSparkline = 24;  // where their minute begins
constexpr double kBusyShare = 0.7;
constexpr double kFullShare = 0.9;

struct RateRow {
  Rate rate;
  const char* name;
};

constexpr RateRow kRateRows[] = {{Rate::kBegun, "begun"},   {Rate::kCompleted, "ended well"},
                                 {Rate::kFailed, "failed"}, {Rate::kRefused, "refused"},
                                 {Rate::kEvents, "events"}, {Rate::kBytes, "bytes"}};

Style style_of_share(double share) {
  return share >= kFullShare ? Style::kBad : share >= kBusyShare ? Style::kBusy : Style::kGood;
}

bool is_failure(Rate rate) {
  return rate == Rate::kFailed || rate == Rate::kRefused;
}

std::size_t cells_between(int begin, int end) {
  return static_cast<std::size_t>(std::max(end - begin, 0));
}

void draw_title(Screen& screen, const Model& model, const View& view) {
  screen.fill(0, Style::kTitle);
  std::string title = "streaming-daemon";
  if (model.figures()) title += " " + model.figures()->version;
  const int end = screen.put(0, kLeft, title + "  " + view.daemon, Style::kTitle);
  std::string right = view.paused ? "paused" : "";
  if (model.figures() && right.empty()) right = "up " + seconds_text(std::floor(model.figures()->uptime_s));
  if (end + width_of(right) + 2 < screen.size().columns) {
    screen.put_right(0, screen.size().columns - kLeft, right, Style::kTitle);
  }
}

void draw_silence(Screen& screen, int row, const Model& model, const View& view) {
  const std::optional<double> silence = model.silent_for(view.now);
  if (!silence) return;
  screen.put(row, kLeft, fmt::format("no answer since {:.0f} s, trying again: {}", *silence, model.failure()),
             Style::kBad);
}

int draw_capacity(Screen& screen, int row, const Model& model) {
  const Figures& figures = *model.figures();
  const int columns = screen.size().columns;
  screen.put(row, kLeft, "streams", Style::kHeading);
  const double share = figures.places > 0 ? figures.open / figures.places : 0;
  const std::string of = figures.places > 0
                             ? fmt::format(" of {}, {:.0f} %", count_text(figures.places), std::floor(100 * share))
                             : "";
  const std::string text = fmt::format("{}{}, at most {}", count_text(figures.open), of, count_text(figures.peak));
  const int text_begin = std::max(columns - kLeft - width_of(text), 10);
  if (figures.places > 0) {
    screen.put(row, 10, bar(share, cells_between(10, text_begin - 1), screen.utf8()), style_of_share(share));
  }
  screen.put(row, text_begin, text, Style::kKey);
  screen.put(row + 1, 10, sparkline(model.open_history(), cells_between(10, columns - kLeft), screen.utf8()),
             Style::kGood);
  std::string workers;
  for (std::size_t i = 0; i < figures.workers.size() && width_of(workers) < columns; ++i) {
    workers += fmt::format("{}: {}  ", i, count_text(figures.workers[i]));
  }
  screen.put(row + 2, kLeft, "workers", Style::kFaint);
  screen.put(row + 2, 10, workers, Style::kFaint);
  return row + 4;
}

int draw_rates(Screen& screen, int row, const Model& model) {
  screen.put(row, kLeft, "a second", Style::kHeading);
  screen.put(row, kSparkline, "the last minute", Style::kFaint);
  for (const auto& [rate, name] : kRateRows) {
    ++row;
    const double value = model.figures()->rates[static_cast<std::size_t>(rate)];
    const Style style = is_failure(rate) && value > 0 ? Style::kBad : Style::kPlain;
    screen.put(row, kLeft, name, style);
    screen.put_right(row, kValueEnd, rate == Rate::kBytes ? bytes_text(value) : count_text(value), style);
    screen.put(row, kSparkline,
               sparkline(model.history(rate), cells_between(kSparkline, screen.size().columns - kLeft), screen.utf8()),
               is_failure(rate) ? Style::kBad : Style::kGood);
  }
  return row + 2;
}

int draw_latencies(Screen& screen, int row, const Figures& figures) {
  constexpr int kEnds[] = {32, 44, 56};
  screen.put(row, kLeft, "of the last minute", Style::kHeading);
  constexpr const char* kNames[] = {"p50", "p95", "p99"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) screen.put_right(row, kEnds[i], kNames[i], Style::kFaint);
  const std::pair<const char*, const Quantiles&> rows[] = {
      {"first event", figures.first_event}, {"whole stream", figures.duration}, {"hand-off", figures.handoff}};
  for (const auto& [name, quantiles] : rows) {
    ++row;
    screen.put(row, kLeft, name);
    screen.put_right(row, kEnds[0], seconds_text(quantiles.p50));
    screen.put_right(row, kEnds[1], seconds_text(quantiles.p95));
    screen.put_right(row, kEnds[2], seconds_text(quantiles.p99));
  }
  return row + 2;
}

// A column of what was counted, from `row` to before `end_row`.
void draw_counted(Screen& screen, int row, int end_row, int begin, int end, const char* heading,
                  const std::vector<Counted>& all, bool failures) {
  screen.put(row, begin, heading, Style::kHeading);
  for (const Counted& one : all) {
    if (++row >= end_row) return;
    const bool good = !failures || one.name == "completed" || one.name == "client_gone" || one.name == "stopped";
    const Style style = good ? Style::kPlain : one.per_second > 0 ? Style::kBad : Style::kFaint;
    const std::string value = fmt::format("{}/s {:>11}", count_text(one.per_second), count_text(one.total));
    screen.put(row, begin, one.name, style);
    screen.put_right(row, end, " " + value, style);
  }
}

void draw_process(Screen& screen, int row, const Figures& figures) {
  if (figures.resident_bytes <= 0) return;
  screen.put(row, kLeft, "process", Style::kHeading);
  screen.put(row, 10, fmt::format("{} resident, {:.0f} % of a CPU, {} of {} descriptors",
                                  bytes_text(figures.resident_bytes), 100 * figures.cpu_share,
                                  count_text(figures.open_files), count_text(figures.max_files)));
}

// Of kept answers, if there are any. Returns the row behind it.
int draw_answers(Screen& screen, int row, const Figures& figures) {
  if (figures.running_answers + figures.ended_answers <= 0) return row;
  screen.put(row, kLeft, "answers", Style::kHeading);
  screen.put(row, 10, fmt::format("{} run, {} have ended and are kept, {} held, {} followers",
                                  count_text(figures.running_answers), count_text(figures.ended_answers),
                                  bytes_text(figures.kept_bytes), count_text(figures.followers)));
  return row + 1;
}

// Of reports of answers, if some are not delivered. Returns the row behind it.
int draw_reports(Screen& screen, int row, const Figures& figures) {
  if (figures.waiting_reports + figures.undelivered_reports <= 0) return row;
  screen.put(row, kLeft, "reports", Style::kHeading);
  screen.put(row, 10, fmt::format("{} wait, {} given up", count_text(figures.waiting_reports),
                                  count_text(figures.undelivered_reports)),
             figures.undelivered_reports > 0 ? Style::kBad : Style::kPlain);
  return row + 1;
}

// If there is a store that some workers cannot reach. Returns the row behind it.
int draw_store(Screen& screen, int row, const Figures& figures) {
  if (figures.store_connected >= figures.store_workers) return row;
  screen.put(row, kLeft, "store", Style::kHeading);
  screen.put(row, 10, fmt::format("{} of {} workers cannot reach it", count_text(figures.store_workers - figures.store_connected),
                                  count_text(figures.store_workers)),
             Style::kBad);
  return row + 1;
}

void draw_overview(Screen& screen, const Model& model) {
  const Figures& figures = *model.figures();
  const int columns = screen.size().columns, end_row = screen.size().rows - 1;
  int row = draw_capacity(screen, 2, model);
  row = draw_rates(screen, row, model);
  row = draw_latencies(screen, row, figures);
  draw_process(screen, row - 1, figures);
  row = draw_answers(screen, row, figures);
  row = draw_reports(screen, row, figures);
  row = draw_store(screen, row, figures) + 1;
  const int middle = columns / 2;
  std::vector<Counted> failed = figures.ended;
  for (const Counted& one : figures.refused) failed.push_back({"refused: " + one.name, one.per_second, one.total});
  draw_counted(screen, row, end_row, kLeft, middle - kLeft, "ended", failed, true);
  draw_counted(screen, row, end_row, middle, columns - kLeft, "backends", figures.backends, false);
  const int below = row + 1 + static_cast<int>(figures.backends.size()) + 1;
  if (!figures.tokens.empty() && below < end_row) {
    draw_counted(screen, below, end_row, middle, columns - kLeft, "tokens", figures.tokens, false);
  }
}

// --- Streams --------------------------------------------------------------------------------------------------------

constexpr int kFirstStreamRow = 4;

struct Column {
  const char* heading;
  int begin;
  int width;
  std::string (*text)(const StreamRow&);
};

constexpr Column kColumns[] = {
    {"age", 1, 9, [](const StreamRow& row) { return seconds_text(static_cast<double>(row.age_ms) / 1000); }},
    {"events", 11, 8, [](const StreamRow& row) { return count_text(static_cast<double>(row.events)); }},
    {"bytes", 20, 9, [](const StreamRow& row) { return bytes_text(static_cast<double>(row.bytes)); }},
    {"state", 31, 9, [](const StreamRow& row) { return row.state; }},
    {"backend", 41, 9, [](const StreamRow& row) { return row.backend; }},
    {"user", 51, 12, [](const StreamRow& row) { return row.user; }},
    {"request", 64, 26, [](const StreamRow& row) { return row.request.empty() ? row.id : row.request; }},
    {"client", 91, 16, [](const StreamRow& row) { return row.client; }},
    {"transport", 108, 9, [](const StreamRow& row) { return row.transport; }},
    {"model", 118, 24, [](const StreamRow& row) { return row.model; }},
    {"path", 143, 60, [](const StreamRow& row) { return row.path; }},
};
constexpr std::size_t kNumbers = 3;  // that end where their column does

// The beginning of a text that has room in so many cells.
std::string fit(std::string_view text, int cells) {
  auto continues = [&text](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  while (width_of(text) > cells) {
    std::size_t last = text.size() - 1;
    while (last > 0 && continues(last)) --last;
    text = text.substr(0, last);
  }
  return std::string(text);
}

void draw_stream(Screen& screen, int row, const StreamRow& stream) {
  const Style style = stream.state == "opening" ? Style::kBusy : Style::kPlain;
  for (std::size_t i = 0; i < std::size(kColumns); ++i) {
    const Column& column = kColumns[i];
    const std::string text = fit(column.text(stream), column.width);
    if (i < kNumbers) {
      screen.put_right(row, column.begin + column.width, text, style);
    } else {
      screen.put(row, column.begin, text, style);
    }
  }
}

void draw_streams(Screen& screen, const View& view) {
  if (!view.streams) {
    screen.put(2, kLeft, view.streams_failure.empty() ? "asking for the streams" : view.streams_failure, Style::kFaint);
    return;
  }
  for (std::size_t i = 0; i < std::size(kColumns); ++i) {
    const Column& column = kColumns[i];
    if (i < kNumbers) {
      screen.put_right(3, column.begin + column.width, column.heading, Style::kHeading);
    } else {
      screen.put(3, column.begin, column.heading, Style::kHeading);
    }
  }
  const std::size_t first = std::min(view.scroll, view.streams->size());
  const std::size_t shown = std::min(view.streams->size() - first, visible_streams(screen.size()));
  for (std::size_t i = 0; i < shown; ++i) {
    draw_stream(screen, kFirstStreamRow + static_cast<int>(i), (*view.streams)[first + i]);
  }
  const std::string all = count_text(static_cast<double>(view.streams->size()));
  screen.put(2, kLeft,
             fmt::format("{} to {} of {} streams that are listed, the oldest first", shown == 0 ? 0 : first + 1,
                         first + shown, all),
             Style::kFaint);
}

void draw_keys(Screen& screen, const View& view) {
  const int row = screen.size().rows - 1;
  int column = kLeft;
  auto key = [&](const char* name, const std::string& does) {
    column = screen.put(row, column, name, Style::kKey);
    column = screen.put(row, column + 1, does, Style::kFaint) + 3;
  };
  key("q", "quit");
  key("s", view.tab == Tab::kStreams ? "overview" : "streams");
  key("space", view.paused ? "go on" : "pause");
  key("+ -", fmt::format("every {}", seconds_text(view.interval_s)));
  if (view.tab == Tab::kStreams) key("up down", "scroll");
}

}  // namespace

void draw(Screen& screen, const Model& model, const View& view) {
  draw_title(screen, model, view);
  draw_silence(screen, 1, model, view);
  if (view.tab == Tab::kStreams) {
    draw_streams(screen, view);
  } else if (model.figures()) {
    draw_overview(screen, model);
  } else if (!model.silent_for(view.now)) {
    screen.put(2, kLeft, "the first figures are there in a moment", Style::kFaint);
  }
  if (view.keys) draw_keys(screen, view);
}

std::size_t visible_streams(Size size) {
  return cells_between(kFirstStreamRow, size.rows - 1);
}

}  // namespace top
