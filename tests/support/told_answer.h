// SPDX-License-Identifier: Apache-2.0
// ToldAnswer: the answer that a client of ui-message gets from an API's bytes: read by a session and written by
// UiMessage. It also checks that such a client accepts each frame. The fuzz targets use it as their oracle.

#pragma once

#include <rapidjson/document.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/sse_session.h"
#include "base/buffer.h"
#include "sse/parser.h"
#include "sse/ui_message.h"

namespace streaming {

struct ToldCall {
  std::string id, name;
  std::string input;  // JSON
  bool operator==(const ToldCall&) const = default;
};

inline void PrintTo(const ToldCall& call, std::ostream* out) {
  *out << "{" << call.id << ", " << call.name << ", " << call.input << "}";
}

struct ToldAnswer {
  std::vector<ToldCall> calls;
  std::vector<std::string> texts;       // of the parts
  std::vector<std::string> reasonings;  // of the parts
  std::string finish;                   // empty: there was none
  std::string mistake;                  // a frame that such a client would refuse; empty: none
};

// A sink that writes the events it gets.
struct WritingSink final : EventSink {
  void on_event(const AnswerEvent& event) override { message.append(out, event); }
  void on_usage(const Usage&) override {}
  void on_end(FinishReason reason) override {
    if (!message.too_large()) message.append_end(out, reason);
  }
  void on_failure(const BackendFailure&) override { UiMessage::append_error(out, {"failed", "code"}); }
  bool wants_upstream_events() const override { return false; }
  std::string stream_id() const override { return "0.1.2"; }

  UiMessage message{"m"};
  Buffer out;
};

// Reads the frames as strictly as the client does.
class FrameReader {
 public:
  ToldAnswer read(std::string_view frames) {
    SseParser parser(1 << 24);
    parser.feed(frames, [this](SseEvent& event) {
      read_frame(event.data);
      return true;
    });
    if (!told_.finish.empty() && !open_.empty()) mistake("a part or a call is left open");
    return std::move(told_);
  }

 private:
  using Frame = rapidjson::Document;

  static std::string text(const Frame& frame, const char* name) {
    const auto member = frame.FindMember(name);
    if (member == frame.MemberEnd() || !member->value.IsString()) return {};
    return {member->value.GetString(), member->value.GetStringLength()};
  }
  void mistake(const std::string& what) {
    if (told_.mistake.empty()) told_.mistake = what;
  }
  void begin(const std::string& key) {
    if (!used_.insert({key, true}).second) mistake(key + " is begun twice");
    open_[key];
  }
  std::string end(const std::string& key) {
    const auto found = open_.find(key);
    if (found == open_.end()) {
      mistake(key + " is not open");
      return {};
    }
    return open_.extract(found).mapped();
  }
  void add(const std::string& key, const std::string& piece) {
    const auto found = open_.find(key);
    if (found == open_.end()) return mistake(key + " is not open");
    found->second += piece;
  }

  void read_frame(std::string& data) {
    if (data == "[DONE]") return;
    Frame frame;
    frame.Parse<rapidjson::kParseValidateEncodingFlag>(data.data(), data.size());
    if (frame.HasParseError() || !frame.IsObject()) return mistake("no JSON: " + data);
    const std::string type = text(frame, "type");
    const std::string id = text(frame, "id");
    const std::string call = "call " + text(frame, "toolCallId");
    if (type == "text-start" || type == "reasoning-start") begin("part " + id);
    if (type == "text-delta" || type == "reasoning-delta") add("part " + id, text(frame, "delta"));
    if (type == "text-end") told_.texts.push_back(end("part " + id));
    if (type == "reasoning-end") told_.reasonings.push_back(end("part " + id));
    if (type == "tool-input-start") begin(call);
    if (type == "tool-input-delta") add(call, text(frame, "inputTextDelta"));
    if (type == "tool-input-available" || type == "tool-input-error") read_input(frame, call, data);
    if (type == "finish") told_.finish = text(frame, "finishReason");
  }

  // The pieces, if there are any, must equal the whole input.
  void read_input(const Frame& frame, const std::string& call, const std::string& data) {
    const std::string pieces = end(call);
    const std::size_t at = data.find("\"input\":");
    std::string input = data.substr(at + 8, data.size() - at - 9);
    if (text(frame, "type") == "tool-input-error") input = "error " + text(frame, "input");
    if (!pieces.empty() && input.size() < pieces.size()) mistake(call + " has lost a piece");
    if (text(frame, "toolName").empty()) mistake(call + " has no name");
    told_.calls.push_back({text(frame, "toolCallId"), text(frame, "toolName"), input});
  }

  ToldAnswer told_;
  std::map<std::string, std::string> open_;
  std::map<std::string, bool> used_;
};

}  // namespace streaming
