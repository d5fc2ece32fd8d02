// SPDX-License-Identifier: Apache-2.0
// Does all the work of a hand-off before its API's request, for payloads in which one field at a time grows, and for
// attachments whose contents grow; and the work of reading a journal of answers. tests/growth/run counts the
// instructions of each under callgrind; this program counts the most bytes that each holds.

#include <malloc.h>
#include <valgrind/callgrind.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <string>

#include "answers/answer_report.h"
#include "answers/journal_ledger.h"
#include "answers/limits.h"
#include "backends/anthropic/messages_request.h"
#include "backends/langgraph/langgraph_request.h"
#include "backends/openai/chat_completion_request.h"
#include "backends/openai/responses_request.h"
#include "backends/wrapping/attachments.h"
#include "handoff/handoff_request.h"
#include "sse/response_head.h"

namespace {

std::size_t held_bytes = 0, most_bytes = 0;

void* count(void* memory) {
  held_bytes += malloc_usable_size(memory);
  most_bytes = std::max(most_bytes, held_bytes);
  return memory;
}

}  // namespace

// Replaces the C library's functions for all allocations of this program.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void __libc_free(void* memory);

void* malloc(std::size_t bytes) {
  return count(__libc_malloc(bytes));
}
void* calloc(std::size_t number, std::size_t bytes) {
  return count(__libc_calloc(number, bytes));
}
void* realloc(void* memory, std::size_t bytes) {
  held_bytes -= malloc_usable_size(memory);
  return count(__libc_realloc(memory, bytes));
}
void free(void* memory) {
  held_bytes -= malloc_usable_size(memory);
  __libc_free(memory);
}
}

namespace streaming {
namespace {

constexpr std::size_t kSizes[] = {8 * 1024, 16 * 1024, 32 * 1024};

constexpr char kPng[] = "\x89PNG\r\n\x1A\n";

struct Growing {
  const char* name;
  // Makes a payload of about this many bytes.
  std::function<std::string(std::size_t bytes)> payload;
  // If not empty, follows kPng in each image, and is the contents of each other attachment.
  std::function<std::string(std::size_t bytes)> contents = [](std::size_t) { return "a text"; };
  bool is_journal = false;  // the payload is a journal's file
};

std::string times(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes) text += piece;
  return text;
}

// "PIECE,PIECE,...": in each piece, # is the number of the piece.
std::string list(std::string_view piece, std::size_t bytes) {
  std::string text;
  for (std::size_t number = 0; text.size() < bytes; ++number) {
    std::string one(piece);
    for (std::size_t at = one.find('#'); at != std::string::npos; at = one.find('#')) {
      one.replace(at, 1, std::to_string(number));
    }
    text += (text.empty() ? "" : ",") + one;
  }
  return text;
}

// A payload with a list between the two texts.
Growing of_list(const char* name, const char* front, const char* piece, const char* end) {
  return {name, [=](std::size_t bytes) { return front + list(piece, bytes) + end; }};
}

// The same with a text.
Growing of_text(const char* name, const char* front, const char* piece, const char* end) {
  return {name, [=](std::size_t bytes) { return front + times(piece, bytes) + end; }};
}

// The contents of the payload's attachment.
Growing of_contents(const char* name, const char* payload, const char* piece) {
  return {name, [=](std::size_t) { return payload; }, [=](std::size_t bytes) { return times(piece, bytes); }};
}

ReportId numbered(std::size_t number) {
  ReportId id{};
  std::memcpy(id.data(), &number, sizeof number);
  return id;
}

// A file of frames, each of which `append` writes with the number that it has.
Growing of_frames(const char* name, const std::function<void(std::string& out, std::size_t number)>& append) {
  return {name,
          [=](std::size_t bytes) {
            std::string file;
            for (std::size_t number = 0; file.size() < bytes; ++number) append(file, number);
            return file;
          },
          [](std::size_t) { return ""; }, true};
}

// The texts below name attachments in fewer than kMaxAttachmentUses places.
const Growing kGrowing[] = {
    of_text("prompt", R"({"prompt":")", "word ", R"("})"),
    of_text("prompt-of-escapes", R"({"prompt":")", R"(\u00e9)", R"("})"),
    of_text("prompt-of-braces", R"({"attachments":["a.txt"],"prompt":")", "{", R"("})"),
    of_text("prompt-of-pairs-of-braces", R"({"attachments":["a.txt"],"prompt":")", "{x}", R"("})"),
    of_text("system", R"({"system":")", "word ", R"("})"),
    of_text("name-of-a-member", R"({")", "n", R"(":1})"),
    of_list("messages", R"({"messages":[)", R"({"role":"user","content":"hi"})", "]}"),
    of_list("messages-of-the-system", R"({"messages":[)", R"({"role":"system","content":"hi"})", "]}"),
    of_list("messages-of-tools", R"({"messages":[)", R"({"role":"tool","tool_call_id":"c#","content":"hi"})", "]}"),
    of_list("messages-of-numbers", R"({"messages":[)", "1", "]}"),
    of_list("parts", R"({"messages":[{"role":"user","content":[)", R"({"type":"text","text":"hi"})", "]}]}"),
    of_list("images-in-parts", R"({"messages":[{"role":"user","content":[)",
            R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}})", "]}]}"),
    of_text("image-in-a-part", R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:)",
            "A", R"("}}]}]})"),
    of_list("members-of-a-message", R"({"messages":[{"role":"user",)", R"("m#":1)", R"(,"content":"x"}]})"),
    of_list("tool-calls", R"({"messages":[{"role":"assistant","tool_calls":[)",
            R"({"id":"#","function":{"name":"f","arguments":"{}"}})", "]}]}"),
    of_list("arguments-of-a-tool-call",
            R"({"messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{)",
            R"(\"a#\":1)", R"(}"}}]}]})"),
    of_list("request", R"({"request":{)", R"("r#":1)", "}}"),
    of_list("stream-options", R"({"request":{"stream_options":{)", R"("o#":1)", "}}}"),
    of_list("lists-in-request", R"({"request":{"a":[)", "[[1],{}]", "]}}"),
    of_list("response-headers", R"({"response_headers":{)", R"("X-#":#)", "}}"),
    of_list("headers-of-apache", R"({"apache":{"headers":[)", R"(["X-#","1"])", "]}}"),
    of_list("langgraph-input", R"({"prompt":"hi","langgraph_input":{)", R"("i#":1)", "}}"),
    of_list("stream-mode", R"({"stream_mode":[)", R"("values")", "]}"),
    of_list("attachments", R"({"attachments":[)", R"("a#.txt")", "]}"),
    of_list("attachments-of-one-name", R"({"prompt":"{a.txt}","attachments":[)", R"("a.txt")", "]}"),
    of_list("attachment-types", R"({"attachments":["a.txt"],"attachment_types":{)", R"("t#":"text/plain")", "}}"),
    {"attachments-and-their-types",
     [](std::size_t bytes) {
       return R"({"attachments":[)" + list(R"("a#.txt")", bytes / 2) + R"(],"attachment_types":{)" +
              list(R"("t#":"text/plain")", bytes / 2) + "}}";
     }},
    of_list("attachments-by-name", R"({"attachments":{)", R"("a#":"a.txt")", "}}"),
    of_list("images", R"({"images":[)", R"("i#")", "]}"),
    of_list("images-of-the-payload", R"({"images":[)", R"({"base64":"iVBORw0KGgo="})", "]}"),
    of_text("image-of-the-payload", R"({"image_base64":"iVBORw0KGgpw)", "AAAA", R"("})"),
    of_text("placeholders", R"({"attachments":["a.txt"],"prompt":")", "what {a.txt} holds, and what is left out ", R"("})"),
    of_text("placeholders-of-an-image", R"({"images":["a.png"],"prompt":")", "what {a.png} shows, and what is left out ",
            R"("})"),
    of_list("placeholders-in-parts", R"({"attachments":["a.txt"],"messages":[{"role":"user","content":[)",
            R"({"type":"text","text":"see {a.txt}"})", "]}]}"),
    of_list("placeholders-in-messages", R"({"attachments":["a.txt"],"messages":[)", R"({"role":"user","content":"{a.txt}"})",
            "]}"),
    {"attachments-and-their-placeholders",
     [](std::size_t bytes) {
       return R"({"attachments":[)" + list(R"("the-file-number-#.txt")", bytes / 2) + R"(],"prompt":")" +
              list("{the-file-number-#.txt}", bytes / 2) + R"("})";
     }},
    of_contents("contents-of-a-text", R"({"attachments":["a.txt"],"prompt":"{a.txt} and {a.txt}"})", "word "),
    of_contents("contents-of-braces", R"({"attachments":["a.txt"],"prompt":"{a.txt}"})", "{a.txt}"),
    of_contents("contents-to-be-escaped", R"({"attachments":["a.txt"]})", "\x01\"\n"),
    of_contents("contents-of-an-image", R"({"images":["a.png"],"prompt":"{a.png} and {a.png}"})", "pixel"),
    of_list("unknown-members", "{", R"("unknown#":1)", "}"),
    of_list("members-that-differ-late", "{", R"("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#":1)", "}"),
    of_text("one-member-twice", R"({"x":1,"y":")", "y", R"(","x":2})"),
    of_text("brackets", R"({"x":)", "[", "}"),
    of_text("number", R"({"x":0.)", "1", "}"),
    of_text("spaces", "{", " ", "}"),
    of_text("text-for-the-report", R"({"on_end_data":")", "word ", R"("})"),
    of_list("data-for-the-report", R"({"on_end_data":{)", R"("d#":[{}])", "}}"),
    of_frames("journal-of-answers", [](std::string& out, std::size_t number) {
      append_begin(out, numbered(number), {"hook", "{\"type\":1"});
    }),
    of_frames("journal-of-one-answer", [](std::string& out, std::size_t number) {
      if (number == 0) append_begin(out, numbered(0), {"hook", "{\"type\":1"});
      append_text(out, numbered(0), {false, static_cast<std::uint32_t>(5 * number), "word "});
    }),
    of_frames("journal-with-gaps", [](std::string& out, std::size_t number) {
      append_text(out, numbered(number % 7), {true, static_cast<std::uint32_t>(number), "word "});
    }),
    of_frames("journal-of-one-report", [](std::string& out, std::size_t number) {
      append_report(out, numbered(0), {static_cast<std::uint8_t>(number % 8), {}, "hook", "{\"text\":\"word\"}"});
    }),
    of_frames("journal-of-what-is-done", [](std::string& out, std::size_t number) {
      append_report(out, numbered(number), {0, {}, "hook", "{}"});
      append_client_end(out, numbered(number), true);
      append_done(out, numbered(number));
    }),
};

void read_journal(std::string_view file) {
  FrameReader reader(file);
  JournalLedger ledger;
  while (const std::optional<Frame> frame = reader.next()) ledger.add(*frame);
  CHECK(reader.position() == file.size());
  static_cast<void>(ledger.take());
}

void work(const std::string& payload, const std::string& contents, const Config& config) {
  HandoffRequestParser parser;
  const auto parsed = parser.parse(payload);
  if (!parsed) return;
  HandoffRequest& request = **parsed;
  auto attachments = find_attachments(request, config);
  CHECK(attachments.ok());
  for (Attachment& attachment : *attachments) {
    const bool is_image = attachment.kind == Attachment::Kind::kImage;
    CHECK(!attachment.is_file() || take_contents(attachment, (is_image ? kPng : "") + contents).ok());
  }
  if (!attachments->empty()) add_attachments(request, std::move(*attachments));
  Buffer head;
  append_stream_head(head, {.date = {}, .chunked = false, .own = {}, .others = request.response_headers});
  CHECK(!chat_completion_request(request, "m").empty() && !responses_request(request, "m").empty());
  CHECK(!messages_request(request, "m", 1000).empty() && !run_request(request, {}).empty());
  static_cast<void>(request.last_user_text());
  ByteBudget budget(kMaxRecordBytes);
  CHECK(!whole_report(begin_report(request, "b", "m", {}), AnswerRecord(budget), {.cause = kCutCause}).empty());
}

}  // namespace
}  // namespace streaming

// Prints "NAME BYTES MOST", and names callgrind's dump "NAME BYTES".
int main() {
  streaming::Config config;
  config.attachments_data_dir = "/";
  config.attachments_max_files = std::numeric_limits<std::int64_t>::max();  // so that all are read
  for (const streaming::Growing& growing : streaming::kGrowing) {
    for (const std::size_t bytes : streaming::kSizes) {
      const std::string name = std::string(growing.name) + " " + std::to_string(bytes);
      const std::string payload = growing.payload(bytes), contents = growing.contents(bytes);
      const std::size_t before = most_bytes = held_bytes;
      CALLGRIND_ZERO_STATS;
      CALLGRIND_TOGGLE_COLLECT;
      growing.is_journal ? streaming::read_journal(payload) : streaming::work(payload, contents, config);
      CALLGRIND_TOGGLE_COLLECT;
      CALLGRIND_DUMP_STATS_AT(name.c_str());
      std::printf("%s %zu\n", name.c_str(), most_bytes - before);
    }
  }
}
