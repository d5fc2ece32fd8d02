// SPDX-License-Identifier: Apache-2.0
#include "answers/stored_answer.h"

#include <charconv>

#include "answers/kept_frames.h"

namespace streaming {
namespace {

constexpr std::string_view kEntryIdPrefix = "0-";

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

void read_fact(StoredFacts& facts, std::string_view name, std::string_view value) {
  if (name == stored::kRun) facts.run = value;
  if (name == stored::kOwner) facts.owner = value;
  if (name == stored::kUser) facts.user = value;
  if (name == stored::kFormat) facts.format = value;
  if (name == stored::kBackend) facts.backend = value;
  if (name == stored::kReport) facts.report = value;
  if (name == stored::kHook) facts.hook = value;
  if (name == stored::kBeginning) facts.beginning = value;
  if (name == stored::kCause) facts.cause = value;
  if (name == stored::kMessage) facts.message = value;
  if (name == stored::kLastFrames) facts.last_frames = value;
  if (name == stored::kEvents) read_number(value, facts.events);
  if (name == stored::kStatus) read_number(value, facts.status);
  if (name == stored::kRetryAfter) read_number(value, facts.retry_after_seconds);
}

}  // namespace

StoredFacts read_stored_facts(const StoreReply& reply) {
  StoredFacts facts;
  StoreReplyCursor cursor(reply);
  cursor.take_array();
  while (const auto name = cursor.take_text()) {
    const auto value = cursor.take_text();
    if (!value) break;
    read_fact(facts, *name, *value);
  }
  return facts;
}

std::optional<StoredOrder> read_stored_order(std::string_view text) {
  const std::size_t run = text.find(' ');
  const std::size_t id = run == std::string_view::npos ? run : text.find(' ', run + 1);
  if (id == std::string_view::npos) return std::nullopt;
  return StoredOrder{.verb = text.substr(0, run), .run = text.substr(run + 1, id - run - 1), .id = text.substr(id + 1)};
}

std::string stored_order(std::string_view verb, std::string_view run, std::string_view id) {
  return std::string(verb).append(" ").append(run).append(" ").append(id);
}

std::string stored_entry_id(std::uint32_t last_event) {
  return std::string(kEntryIdPrefix) + std::to_string(last_event);
}

// [ID, ["first", NUMBER, "frames", FRAMES]]
std::optional<StoredEntry> read_stored_entry(StoreReplyCursor& cursor) {
  if (cursor.take_array() != 2) return std::nullopt;
  const auto id = cursor.take_text();
  if (!id || cursor.take_array() != 4) return std::nullopt;
  const auto first_name = cursor.take_text();
  const auto first = cursor.take_text();
  const auto frames_name = cursor.take_text();
  const auto frames = cursor.take_text();
  if (first_name != stored::kFirst || frames_name != stored::kFrames || !first || !frames) return std::nullopt;
  StoredEntry entry{.frames = *frames};
  if (!id->starts_with(kEntryIdPrefix) || !read_number(id->substr(kEntryIdPrefix.size()), entry.last_event)) return std::nullopt;
  if (!read_number(*first, entry.first_event) || entry.first_event == 0 || entry.first_event > entry.last_event) {
    return std::nullopt;
  }
  const std::uint32_t events = entry.last_event - entry.first_event + 1;
  return count_frames(entry.frames) == events ? std::optional(entry) : std::nullopt;
}

}  // namespace streaming
