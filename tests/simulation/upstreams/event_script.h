// SPDX-License-Identifier: Apache-2.0
// EventScript: puts an ApiAnswer together: the events that an API's writer adds, what goes wrong, and the bytes.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "simulation/upstreams/answer_plan.h"
#include "simulation/upstreams/api_answer.h"
#include "simulation/random.h"

namespace streaming::simulation {

class EventScript {
 public:
  EventScript(Api api, Random& random) : random_(random) { answer_.api = api; }

  Random& random() { return random_; }

  // What the next event that is added hands on.
  void tell(PlannedBlock::Kind kind, UnitsView piece);
  void tell_call(const PlannedBlock& call);
  // The API sends a text from its beginning with each piece, so that half a character is not handed on.
  void set_accumulates() { accumulates_ = true; }
  // Events after this one may end the answer, if nothing else comes.
  void set_may_end(bool by_loss) {
    may_end_ = by_loss;
    may_end_with_body_ = true;
  }
  void set_reason(FinishReason reason) { reason_ = reason; }
  // The next event has it.
  void set_usage(std::uint64_t input_tokens, std::uint64_t output_tokens) {
    usage_ = {.input_tokens = input_tokens, .output_tokens = output_tokens};
  }
  void add(std::string_view type, std::string data, Meaning meaning = Meaning::kGoesOn);

  // What goes wrong. Nothing that was added from event number `from` on comes, but this event.
  void replace_rest(std::size_t from, std::string_view type, std::string data, Meaning meaning);
  void drop_rest(std::size_t from) {
    answer_.events.resize(from);
    answer_.is_cut = true;
  }
  std::size_t events() const { return answer_.events.size(); }
  // The type that begins with "messages", as LangGraph's do; empty: there is none.
  std::string message_type() const;

  // Events over `max_event_bytes` are found to be too large there. To be called once, at last.
  ApiAnswer finish(std::size_t max_event_bytes);

 private:
  struct Form {
    std::string_view new_line;  // empty: LF or CRLF, by chance
    std::string_view after_colon;
    bool has_ids;
    bool has_comments;
    bool cuts_lines;
    bool type_comes_last;
  };
  void lay_out(const Form& form, std::size_t max_event_bytes);
  void write_event(ApiEvent& event, const Form& form, std::size_t max_event_bytes);
  void write_data(ApiEvent& event, const Form& form, std::size_t max_event_bytes);
  void write_noise(const Form& form);
  void end_line(const Form& form);

  Random& random_;
  ApiAnswer answer_;
  Units text_;
  Units reasoning_;
  FinishReason reason_ = FinishReason::kStop;
  Usage usage_;
  bool accumulates_ = false;
  bool may_end_ = false;
  bool may_end_with_body_ = false;
  std::size_t ids_ = 0;
};

}  // namespace streaming::simulation
