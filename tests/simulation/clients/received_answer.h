// SPDX-License-Identifier: Apache-2.0
// Reads the body of an answer in one of the daemon's formats, and checks what holds for each of them whatever the API
// has sent (docs/PROTOCOL.md, "The daemon to the browser"). Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace streaming::simulation {

enum class AnswerFormat : std::uint8_t { kContent, kRaw, kUiMessage };

// What is known of an answer before it is read.
struct AnswerForm {
  AnswerFormat format = AnswerFormat::kContent;
  bool is_kept = false;         // its events have numbers, except in kUiMessage
  std::uint32_t after = 0;      // of a kept answer: the last event that the client has seen
  bool has_done_event = false;  // response.done_event
  bool is_of_api = false;       // in kRaw its events are an API's own
};

struct ReceivedAnswer {
  enum class End : std::uint8_t {
    kNone,  // cut, or in kRaw without a sign of the API's own
    kDone,
    kStopped,  // by a user
    kError,
  };

  End end = End::kNone;
  std::string text;                 // all pieces
  std::string reasoning;            // likewise, in kUiMessage
  std::vector<std::string> events;  // their bytes, in order, without the end's and without comments
  std::string end_bytes;            // of the end's frames
  std::string error_code;           // of kError; empty if the API has reported the error in its own way
  std::string cut;                  // the beginning of a frame, at the end
  std::string problem;              // what no client should have to read; empty: nothing
};

ReceivedAnswer read_answer(std::string_view body, const AnswerForm& form);

}  // namespace streaming::simulation
