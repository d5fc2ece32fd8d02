// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/wish.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/handoff_protocol.h"
#include "simulation/upstreams/upstream_record.h"

namespace streaming::simulation {
namespace {

constexpr std::string_view kFormatNames[] = {"content", "raw", "ui-message"};

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

// Which a client may name: a few more than a short answer has.
constexpr std::uint64_t kMostEvents = 24;

// Of those that it has got, which it asks for again.
constexpr std::uint64_t kMostUnread = 6;

bool is_of_api(std::string_view backend) {
  return backend == "openai" || backend == "anthropic" || backend == "langgraph";
}

}  // namespace

// Members of the payload, whose order is the seed's.
struct Wishes::Fields {
  std::vector<std::string> members;

  void add(std::string_view name, std::string_view json) { members.push_back(quoted(name) + ':' + std::string(json)); }
  void add_text(std::string_view name, std::string_view text) { add(name, quoted(text)); }
  std::string json(Random& random) const {
    std::vector<std::string> shuffled = members;
    for (std::size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
    std::string all = "{";
    for (const std::string& member : shuffled) all += (all.size() > 1 ? "," : "") + member;
    return all + '}';
  }
};

KnownAnswer* Wishes::answer(const std::string& id) {
  const auto found = answers_.find(id);
  return found == answers_.end() ? nullptr : &found->second;
}

Wish Wishes::next() {
  Wish wish = random_.one_in(12) ? mistaken() : !answers_.empty() && random_.one_in(3) ? about_known_answer() : ask();
  wish.is_in_memfd = wish.payload.size() > handoff_protocol::kMaxInlinePayloadBytes - 3072;
  return wish;
}

// --- A new answer ---------------------------------------------------------------------------------------------------

Wish Wishes::ask() {
  Wish wish;
  Fields fields;
  wish.backend = random_.pick(settings_.backends);
  fields.add_text("backend", wish.backend);
  add_format(random_.pick(settings_.formats), wish, fields);
  add_prompt(wish, fields);
  add_options(wish, fields);
  if (random_.one_in(2)) {
    wish.user = std::to_string(random_.below(4));
    fields.add("user_id", random_.one_in(2) ? wish.user : quoted(wish.user));
    wish.statuses.push_back(429);
  }
  if (wish.backend != "hold" && random_.one_in(3)) {
    wish.answer_id = "answer-" + number();
    wish.form.is_kept = true;
    wish.statuses.insert(wish.statuses.end(), {204, 403, 429});  // others have asked for it meanwhile, and left
    fields.add_text("answer_id", wish.answer_id);
    latest_answer_ = wish.answer_id;
    answers_[wish.answer_id] = {wish.answer_id, wish.user, wish.backend, wish.form.format, {wish.prompt}};
  }
  add_apache(wish, fields, {});
  add_bulk(wish, fields);
  wish.statuses.push_back(503);
  wish.payload = fields.json(random_);
  return wish;
}

void Wishes::add_format(AnswerFormat format, Wish& wish, Fields& fields) {
  wish.form.format = format;
  wish.form.has_done_event = settings_.has_done_event;
  wish.form.is_of_api = is_of_api(wish.backend);
  fields.add_text("format", kFormatNames[static_cast<std::size_t>(format)]);
}

void Wishes::add_prompt(Wish& wish, Fields& fields) {
  wish.prompt =
      "wish " + number() +
      (random_.one_in(3) ? " \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 and more of it, so that it is long enough" : "");
  if (random_.one_in(2)) return fields.add_text("prompt", wish.prompt);
  std::string messages = "[";
  if (random_.one_in(2)) messages += R"({"role":"user","content":"before"},{"role":"assistant","content":"yes"},)";
  fields.add("messages", messages + R"({"role":"user","content":)" + quoted(wish.prompt) + "}]");
}

// By the data a report shows whose answer it is.
void Wishes::add_hook(Wish& wish, Fields& fields) {
  wish.hook = random_.pick(settings_.hooks);
  wish.report_data = "{\"wish\":" + std::to_string(*wish_in(wish.prompt)) +
                     random_.pick({"}", R"(,"row":17.25,"tags":["a","b"]})", ",\"\xC3\xA9\":\"\xF0\x9F\x98\x80\\n\"}",
                                   R"(,"of":{"wish":null,"a":[[],{},true]}})"});
  fields.add_text("on_end", wish.hook);
  fields.add("on_end_data", wish.report_data);
}

void Wishes::add_options(Wish& wish, Fields& fields) {
  if (!settings_.hooks.empty() && random_.one_in(2)) add_hook(wish, fields);
  if (random_.one_in(4)) fields.add_text("on_disconnect", random_.one_in(2) ? "continue" : "cancel");
  if (random_.one_in(4)) {
    wish.request_id = "request-" + std::to_string(wishes_);
    fields.add_text("request_id", wish.request_id);
  }
  if (random_.one_in(6)) fields.add("response_headers", R"({"X-Chat":"7","Content-Type":"text/plain","X-N":3})");
  if (random_.one_in(6)) fields.add_text("system", "You are brief.");
  if (random_.one_in(6)) fields.add("temperature", "0.5");
  if (random_.one_in(6)) fields.add("max_tokens", "300");
  if (random_.one_in(8)) fields.add("model", "null");
  if (random_.one_in(8)) fields.add("request", "[]");
  if (random_.one_in(8)) fields.add_text("a-field-that-is-not-known", "x");
}

void Wishes::add_apache(Wish& wish, Fields& fields, std::string_view last_event_id) {
  if (last_event_id.empty() && random_.one_in(6)) return;
  const std::string_view protocol = random_.pick({"HTTP/1.1", "HTTP/1.1", "HTTP/1.0", ""});
  std::string facts = R"({"headers":[["Set-Cookie","a=1"],["Cache-Control","private"]],"client":"192.0.2.)" +
                      std::to_string(random_.below(3)) + R"(","method":"POST","uri":"/chat")";
  if (!protocol.empty()) facts += R"(,"protocol":)" + quoted(protocol);
  if (!last_event_id.empty()) facts += R"(,"last_event_id":)" + quoted(last_event_id);
  if (random_.one_in(3)) facts += R"(,"browser":"Mozilla/5.0")";
  wish.takes_chunks = protocol == "HTTP/1.1";
  fields.add("apache", facts + '}');
}

// Few payloads are large, because a run of many of those is slow.
void Wishes::add_bulk(Wish& wish, Fields& fields) {
  if (!random_.one_in(16)) return;
  const std::size_t bytes = random_.one_in(3) ? random_.between(100'000, 200'000) : random_.between(1'000, 20'000);
  fields.add_text("bulk", std::string(bytes, 'b'));
  if (bytes + 2000 > settings_.max_payload_bytes) wish.statuses.push_back(413);
}

// --- A kept answer --------------------------------------------------------------------------------------------------

Wish Wishes::about_known_answer() {
  // The latest one probably runs.
  const auto any = static_cast<std::ptrdiff_t>(random_.below(answers_.size()));
  KnownAnswer& known = random_.one_in(3) ? answers_.at(latest_answer_) : std::next(answers_.begin(), any)->second;
  Wish wish;
  Fields fields;
  wish.answer_id = known.id;
  wish.backend = known.backend;
  wish.form = {.format = known.format,
               .is_kept = true,
               .has_done_event = settings_.has_done_event,
               .is_of_api = is_of_api(known.backend)};
  wish.action = random_.one_in(8)   ? Wish::Action::kStop
                : random_.one_in(2) ? Wish::Action::kFollow
                                    : Wish::Action::kAsk;
  fields.add_text("answer_id", known.id);
  const bool is_other_user = random_.one_in(16);
  wish.user = is_other_user ? "another" : known.user;
  if (!wish.user.empty()) fields.add_text("user_id", wish.user);
  wish.statuses = {204, 403, 429, 503};
  std::string last_event_id;
  if (wish.action == Wish::Action::kStop) {
    fields.add_text("action", "stop");
    wish.must_be_refused = true;
    wish.statuses.push_back(404);
  } else {
    if (wish.action == Wish::Action::kFollow) fields.add_text("action", "follow");
    if (random_.one_in(2)) {
      wish.reads_on = true;
      const std::uint32_t after = last_seen(known);
      if (known.format != AnswerFormat::kUiMessage) wish.form.after = after;
      wish.statuses.push_back(400);  // not an event of the answer, if that has begun anew or has ids of an API
      const std::string id = std::to_string(after);
      random_.one_in(2) ? void(last_event_id = id) : fields.add("after", random_.one_in(2) ? id : quoted(id));
    }
  }
  if (wish.action == Wish::Action::kAsk) {
    fields.add_text("backend", known.backend);
    add_format(known.format, wish, fields);
    wish.form.is_kept = true;
    add_prompt(wish, fields);
    known.prompts.push_back(wish.prompt);
    add_options(wish, fields);
  }
  add_apache(wish, fields, last_event_id);
  wish.payload = fields.json(random_);
  return wish;
}

// Most are clients that come back, and have not read the last events that they got.
std::uint32_t Wishes::last_seen(const KnownAnswer& known) {
  const std::uint64_t last = random_.one_in(3) ? 0 : last_event_(known.id);
  return static_cast<std::uint32_t>(last == 0 ? random_.below(kMostEvents)
                                              : last - random_.below(std::min(last, kMostUnread)));
}

// --- Mistakes -------------------------------------------------------------------------------------------------------

Wish Wishes::mistaken() {
  Wish wish;
  wish.must_be_refused = true;
  wish.statuses = {400, 503};
  switch (random_.below(14)) {
    case 0:
      wish.payload = "{";
      break;
    case 1:
      wish.payload = "[1]";
      break;
    case 2:
      wish.payload = "{\"prompt\":\"\xC3\"}";
      break;
    case 3:
      wish.payload = R"({"backend":"nobody"})";
      break;
    case 4:
      wish.payload = R"({"answer_id":"with a space"})";
      break;
    case 5:
      wish.payload = R"({"on_end":"no-such-hook"})";
      break;
    case 6:
      wish.payload = R"({"prompt":7})";
      break;
    case 7:
      wish.payload = R"({"prompt":"x","apache":{},"apache":{}})";
      break;
    case 8:
      wish.payload = R"({"request":)" + std::string(100, '[') + std::string(100, ']') + '}';
      break;
    case 9:
      wish.payload = R"({"langgraph_url":"http://internal/"})";
      break;
    case 10:
      wish.payload = R"({"format":"csv"})";
      break;
    case 11:
      wish.payload = "{\"bulk\":\"" + std::string(settings_.max_payload_bytes, 'b') + "\"}";
      wish.statuses = {413, 503};
      break;
    case 12:
      wish.payload = "GET / HTTP/1.1\r\n\r\n";
      break;
    default:
      wish.payload = R"("a text")";
  }
  return wish;
}

// --- What is expected -----------------------------------------------------------------------------------------------

std::string mock_text(std::string_view prompt) {
  constexpr std::string_view kRest =
      "This answer comes from the mock backend. It needs no network and no key, and it always says the same. Apache "
      "took "
      "your request, PHP looked at it, and mod_socket_handoff passed your connection on. From then on neither an "
      "Apache "
      "worker nor a PHP process has waited for these words. One thread with one ring keeps the pace for all streams, "
      "yours "
      "among them, and sends each event in the moment it is due. Set another backend to hear a real model.";
  constexpr int kCharacters = 50;
  std::size_t end = 0;
  for (int characters = 0; end < prompt.size(); ++end) {
    if ((static_cast<unsigned char>(prompt[end]) & 0xC0) != 0x80 && characters++ == kCharacters) break;
  }
  return "You said: " + std::string(prompt.substr(0, end)) + ' ' + std::string(kRest);
}

}  // namespace streaming::simulation
