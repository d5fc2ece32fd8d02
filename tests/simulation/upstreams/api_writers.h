// SPDX-License-Identifier: Apache-2.0
// What a model says, as the events of each API, in one of the ways in which servers write it.

#pragma once

#include <string>

#include "simulation/upstreams/answer_plan.h"
#include "simulation/upstreams/event_script.h"

namespace streaming::simulation {

void write_chat(const AnswerPlan& plan, EventScript& script);
void write_response(const AnswerPlan& plan, EventScript& script);
void write_message(const AnswerPlan& plan, EventScript& script);
void write_run(const AnswerPlan& plan, EventScript& script);

// The reason as Chat Completions has it, and LangGraph of the models that it asks.
std::string finish_word(FinishReason reason);

// An event that reports an error.
struct BadEvent {
  std::string type;
  std::string data;
};
BadEvent error_event(Api api, Random& random);
// Data that is not what the API promises, nor JSON at all.
std::string broken_data(Api api, Random& random);

}  // namespace streaming::simulation
