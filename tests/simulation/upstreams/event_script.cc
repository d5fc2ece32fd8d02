// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/event_script.h"

#include <algorithm>
#include <utility>

namespace streaming::simulation {
namespace {

// JSON over several lines: broken where it may be.
std::string over_lines(std::string_view json, Random& random) {
  std::string text;
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    text += json[at];
    if (in_string && json[at] == '\\') {
      text += json[++at];
    } else if (json[at] == '"') {
      in_string = !in_string;
    } else if (!in_string && (json[at] == ',' || json[at] == '{') && random.one_in(2)) {
      text += '\n';
    }
  }
  return text;
}

}  // namespace

void EventScript::tell(PlannedBlock::Kind kind, UnitsView piece) {
  (kind == PlannedBlock::Kind::kText ? text_ : reasoning_) += piece;
}

void EventScript::tell_call(const PlannedBlock& call) {
  answer_.calls.push_back({call.id, call.name, as_utf8(call.whole())});
}

void EventScript::add(std::string_view type, std::string data, Meaning meaning) {
  ApiEvent event{.type = std::string(type), .data = std::move(data), .meaning = meaning};
  const UnitsView text = without_last_half(text_);
  const UnitsView reasoning = without_last_half(reasoning_);
  event.may_end = may_end_;
  event.may_end_with_body = may_end_with_body_;
  event.text = as_utf8(text).size();
  event.reasoning = as_utf8(reasoning).size();
  event.says_something = event.text + event.reasoning > 0 || !answer_.calls.empty();
  event.cuts_text = !accumulates_ && text.size() < text_.size();
  event.cuts_reasoning = !accumulates_ && reasoning.size() < reasoning_.size();
  event.reason = reason_;
  event.usage = usage_;
  answer_.events.push_back(std::move(event));
}

void EventScript::replace_rest(std::size_t from, std::string_view type, std::string data, Meaning meaning) {
  const ApiEvent before = from == 0 ? ApiEvent{} : answer_.events[from - 1];
  drop_rest(from);
  ApiEvent& event = answer_.events.emplace_back(before);
  event.type = type;
  event.data = std::move(data);
  event.meaning = meaning;
}

std::string EventScript::message_type() const {
  const auto found = std::find_if(answer_.events.begin(), answer_.events.end(),
                                  [](const ApiEvent& event) { return event.type.starts_with("messages"); });
  return found == answer_.events.end() ? "" : found->type;
}

ApiAnswer EventScript::finish(std::size_t max_event_bytes) {
  answer_.text = as_utf8(text_);
  answer_.reasoning = as_utf8(reasoning_);
  const std::string_view new_line = random_.pick<std::string_view>({"\n", "\n", "\r\n", "\r", ""});
  lay_out({.new_line = new_line,
           .after_colon = random_.pick<std::string_view>({" ", " ", ""}),
           .has_ids = random_.one_in(6),
           .has_comments = random_.one_in(4),
           .cuts_lines = random_.one_in(8),
           // The type is what an event of a run means.
           .type_comes_last = answer_.api != Api::kRun && random_.one_in(8)},
          max_event_bytes);
  return std::move(answer_);
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

void EventScript::lay_out(const Form& form, std::size_t max_event_bytes) {
  if (random_.one_in(16)) answer_.body += "\xEF\xBB\xBF";
  if (form.has_comments) write_noise(form);
  for (ApiEvent& event : answer_.events) {
    write_event(event, form, max_event_bytes);
    if (form.has_comments && random_.one_in(3)) write_noise(form);
  }
  const bool ended = !answer_.events.empty() && answer_.events.back().meaning != Meaning::kGoesOn;
  if (ended && random_.one_in(16)) answer_.body += "data: of no interest\n\ndata: {\"choices\":[]}\n\n: the end";
}

void EventScript::end_line(const Form& form) {
  if (form.new_line.empty()) {
    answer_.body += random_.pick<std::string_view>({"\n", "\r\n"});
  } else {
    answer_.body += form.new_line;
  }
}

// What is no event.
void EventScript::write_noise(const Form& form) {
  answer_.body += random_.pick<std::string_view>({": OPENROUTER PROCESSING", ":", ":data: x", "retry: 10", "unknown: x", "id"});
  end_line(form);
  if (random_.one_in(2)) end_line(form);
}

void EventScript::write_event(ApiEvent& event, const Form& form, std::size_t max_event_bytes) {
  const auto write_type = [&] {
    if (event.type.empty()) return;
    answer_.body.append("event:").append(form.after_colon).append(event.type);
    end_line(form);
  };
  if (form.has_ids) {
    answer_.body.append("id:").append(form.after_colon).append(std::to_string(++ids_));
    end_line(form);
  }
  // Without its type, an error would be none if the body ended behind its data.
  const bool type_comes_last = form.type_comes_last && event.meaning != Meaning::kReported;
  if (!type_comes_last) write_type();
  const std::size_t begin = answer_.body.size();
  write_data(event, form, max_event_bytes);
  if (type_comes_last) write_type();
  end_line(form);
  // CRLF is a line's end with its first byte.
  event.end = answer_.body.size() - (answer_.body.ends_with("\r\n") ? 1 : 0);
  if (event.meaning != Meaning::kTooLarge) return;
  const std::size_t id_bytes = form.has_ids ? std::to_string(ids_).size() : 0;
  const std::size_t counted_before = id_bytes + (type_comes_last ? 0 : event.type.size());
  event.whole = event.end = begin + max_event_bytes + 1 - counted_before;
}

void EventScript::write_data(ApiEvent& event, const Form& form, std::size_t max_event_bytes) {
  const bool breakable = event.data.starts_with('{') && event.meaning != Meaning::kTooLarge &&
                         event.meaning != Meaning::kMalformed && 3 * event.data.size() < max_event_bytes;
  if (form.cuts_lines && breakable) event.data = over_lines(event.data, random_);
  for (std::string_view rest = event.data;;) {
    const std::size_t end = rest.find('\n');
    answer_.body.append("data:").append(form.after_colon).append(rest.substr(0, end));
    event.whole = answer_.body.size();
    end_line(form);
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace streaming::simulation
