// SPDX-License-Identifier: Apache-2.0
// ApiAnswer: what an LLM API answers one request with, and what the daemon must make of it, wherever it breaks off.
//
// A value. It is made together with its expectation (api_scripts.h), never by reading its own bytes: so it is an oracle for
// the daemon's readers.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/close_cause.h"
#include "sse/answer_event.h"

namespace streaming::simulation {

enum class Api : std::uint8_t { kChat, kResponses, kMessages, kRun };
inline constexpr std::array<std::string_view, 4> kApiNames{"Chat Completions", "Responses", "Messages", "LangGraph"};

// What a reader must make of an event.
enum class Meaning : std::uint8_t {
  kGoesOn,
  kEnd,
  kReported,
  kMalformed,
  kTooLarge,
};
inline constexpr std::array<std::string_view, 5> kMeaningNames{"an event", "an end", "an error event", "an event that nobody can read",
                                                               "an event that is too large"};

struct ApiEvent {
  std::string type = {};  // empty: none
  std::string data = {};
  Meaning meaning = Meaning::kGoesOn;
  bool may_end = false;            // after it the answer is complete even if the connection is lost
  bool may_end_with_body = false;  // after it the answer is complete if the body ends
  // What is handed on when it is read: bytes of the answer's texts; whether anything at all.
  std::size_t text = 0;
  std::size_t reasoning = 0;
  bool says_something = false;
  // If the answer is complete after it: whether these texts end with half a character, for which U+FFFD stands; and why
  // the answer has ended.
  bool cuts_text = false;
  bool cuts_reasoning = false;
  FinishReason reason = FinishReason::kStop;
  Usage usage = {};  // that was told so far

  // Offsets in the body: where its data is whole, and where it is read, or found to be too large.
  std::size_t whole = 0;
  std::size_t end = 0;
};

struct ApiCall {
  std::string id;
  std::string name;
  std::string input;  // JSON
};

// How an answer's body ends.
enum class BodyEnd : std::uint8_t {
  kNone,    // it goes on, or is stalled
  kWhole,   // as HTTP has it
  kBroken,  // the connection is lost, or the stream is reset
};
inline constexpr std::array<std::string_view, 3> kBodyEndNames{"a body without an end", "a whole body", "a broken body"};

// What the client must be told.
struct Ending {
  bool over = false;                            // else the daemon waits
  std::optional<FailureKind> failure = {};      // nothing: the answer is complete
  int status = 0;                               // of a failure by status
  std::size_t text = 0;                         // bytes of the texts that precede the end
  std::size_t reasoning = 0;
  bool cuts_text = false;  // U+FFFD follows them
  bool cuts_reasoning = false;
  FinishReason reason = FinishReason::kStop;  // of a complete answer
  bool has_calls = false;                     // likewise: all that the API has to say
  Usage usage = {};                           // likewise

  bool operator==(const Ending&) const = default;
};

struct ApiAnswer {
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // Of the body's first `bytes`, if they end like that.
  Ending ending_after(std::size_t bytes, BodyEnd end) const;
  // What the client has then been told.
  std::string text_of(const Ending& ending) const;
  std::string reasoning_of(const Ending& ending) const;
  // Whether they say anything to the client, after which the daemon must not ask again. `raw`: in the format of that
  // name each event does.
  bool says_something_after(std::size_t bytes, bool raw) const;

  Api api = Api::kChat;
  int status = 200;
  Headers headers = {};
  std::string body = {};
  std::vector<ApiEvent> events = {};            // of the body, if it is read
  std::optional<FailureKind> by_head = {};      // the head alone decides
  std::optional<std::string> redirected_to = {};  // a path at the same server, where the request must come again
  // Of the complete answer.
  std::string text = {};
  std::string reasoning = {};
  std::vector<ApiCall> calls = {};
  bool is_cut = false;  // the API itself leaves something out
};

}  // namespace streaming::simulation
