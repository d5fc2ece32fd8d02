// SPDX-License-Identifier: Apache-2.0
// Wish: what a hand-off's payload asks for, and what may become of it. KnownAnswers: the kept answers that were asked
// for in this run, so that others follow, repeat and stop them. Values; all chance is Random's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulation/random.h"
#include "simulation/clients/received_answer.h"

namespace streaming::simulation {

// Of the daemon's configuration, as far as it decides what clients get.
struct WishSettings {
  std::vector<std::string> backends{"mock"};  // without exec
  std::vector<std::string> hooks;             // answers.hooks
  std::vector<AnswerFormat> formats{AnswerFormat::kContent, AnswerFormat::kRaw, AnswerFormat::kUiMessage};
  bool has_done_event = false;
  std::size_t max_payload_bytes = 1024 * 1024;
};

struct Wish {
  enum class Action : std::uint8_t { kAsk, kFollow, kStop };

  std::string payload;
  bool is_in_memfd = false;  // because it is too large for a message
  std::string backend;
  std::string prompt;     // by which an answer is known: no other wish has it
  std::string answer_id;  // empty: the answer is not kept
  Action action = Action::kAsk;
  bool reads_on = false;  // names an event that was seen
  AnswerForm form;
  bool takes_chunks = false;
  std::vector<int> statuses;  // of refusals that may be its answer, besides 200
  std::string hook;           // that gets a report of the answer that it begins; empty: none
  std::string report_data;    // JSON, for the report; it has the number of the prompt as "wish"
  std::string user;
  std::string request_id;
  bool must_be_refused = false;
};

struct KnownAnswer {
  std::string id;
  std::string user;
  std::string backend;
  AnswerFormat format = AnswerFormat::kContent;
  std::vector<std::string> prompts;  // of all who may have begun it
};

class Wishes {
 public:
  // The last event of a kept answer that some client has got; 0: none.
  using LastEvent = std::function<std::uint32_t(const std::string& answer_id)>;

  Wishes(const WishSettings& settings, Random random, LastEvent last_event)
      : settings_(settings), random_(random), last_event_(std::move(last_event)) {}

  // Mostly a good one.
  Wish next();
  void set(const WishSettings& settings) { settings_ = settings; }
  KnownAnswer* answer(const std::string& id);

 private:
  struct Fields;

  Wish ask();
  Wish about_known_answer();
  // The number of the event behind which a client reads on.
  std::uint32_t last_seen(const KnownAnswer& known);
  Wish mistaken();
  void add_format(AnswerFormat format, Wish& wish, Fields& fields);
  void add_prompt(Wish& wish, Fields& fields);
  void add_options(Wish& wish, Fields& fields);
  void add_hook(Wish& wish, Fields& fields);
  void add_apache(Wish& wish, Fields& fields, std::string_view last_event_id);
  void add_bulk(Wish& wish, Fields& fields);
  std::string number() { return std::to_string(++wishes_); }

  WishSettings settings_;
  Random random_;
  const LastEvent last_event_;
  std::uint32_t wishes_ = 0;
  std::map<std::string, KnownAnswer> answers_;
  std::string latest_answer_;  // its id
};

// The mock backend's answer to a prompt.
std::string mock_text(std::string_view prompt);

}  // namespace streaming::simulation
