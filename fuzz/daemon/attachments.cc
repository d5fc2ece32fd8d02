// SPDX-License-Identifier: Apache-2.0
// A hand-off's attachments, from its payload to the messages that hold them, and what each API is posted then. The input
// is the payload and the files' contents, with a line "--" between each two.

#include "backends/limits.h"
#include "backends/wrapping/attachments.h"

#include <optional>

#include "backends/anthropic/messages_request.h"
#include "backends/langgraph/langgraph_request.h"
#include "backends/openai/chat_completion_request.h"
#include "backends/openai/responses_request.h"
#include "fuzz/daemon/written_request.h"

namespace streaming {
namespace {

constexpr std::string_view kBetween = "\n--\n";

// --- The input --------------------------------------------------------------------------------------------------------

struct Input {
  std::string_view payload;
  std::vector<std::string_view> files;
};

Input split(std::string_view text) {
  Input input{.payload = text.substr(0, text.find(kBetween)), .files = {}};
  for (std::size_t cut = text.find(kBetween); cut != std::string_view::npos; cut = text.find(kBetween)) {
    text.remove_prefix(cut + kBetween.size());
    input.files.push_back(text.substr(0, text.find(kBetween)));
  }
  if (input.files.empty()) input.files.push_back("a text with {b.txt} in it");
  return input;
}

// --- What the user's messages must be, by another way ------------------------------------------------------------------

std::string json_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

// A part of a message that is no text, as it stands among the texts here.
std::string mark(const std::string& json) {
  return '\x01' + json + '\x02';
}

std::string in_place(const Attachment& attachment) {
  if (attachment.url.empty()) return attachment.text;
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  const bool is_pdf = attachment.kind == Attachment::Kind::kPdf;
  writer.StartObject();
  writer.Key("type");
  writer.String(is_pdf ? "file" : "image_url");
  writer.Key(is_pdf ? "file" : "image_url");
  is_pdf ? write_pair(writer, "filename", attachment.path, "file_data", attachment.url) : [&] {
    writer.StartObject();
    writer.Key("url");
    write_text(writer, attachment.url);
    writer.EndObject();
  }();
  writer.EndObject();
  return mark({buffer.GetString(), buffer.GetSize()});
}

// The text with what stands in braces, without a brace in it, given to `replace`, which may return nothing.
template <typename Replace>
std::string with_braces_replaced(std::string_view text, const Replace& replace) {
  std::string out;
  std::size_t open = std::string::npos;  // of the last brace that no other one has followed, in out
  for (const char byte : text) {
    if (byte == '}' && open != std::string::npos) {
      if (const std::optional<std::string> other = replace(out.substr(open + 1))) {
        out.replace(open, std::string::npos, *other);
        open = std::string::npos;
        continue;
      }
    }
    if (byte == '{') open = out.size();
    if (byte == '}') open = std::string::npos;
    out += byte;
  }
  return out;
}

bool is_of_user(const rapidjson::Value& message) {
  if (!message.IsObject() || find_text(&message, "role") != "user") return false;
  const rapidjson::Value* content = find_member(&message, "content");
  return content != nullptr && (content->IsString() || content->IsArray());
}

// What a message of the user says: its texts, which `on_text` may change, and marks.
template <typename OnText>
std::string told(const rapidjson::Value& content, const OnText& on_text) {
  if (content.IsString()) return on_text(std::string_view(content.GetString(), content.GetStringLength()));
  std::string all;
  for (const rapidjson::Value& part : content.GetArray()) {
    const bool is_text = part.IsObject() && part.MemberCount() == 2 && find_text(&part, "type") == "text" &&
                         find_member(&part, "text") != nullptr && part["text"].IsString();
    all += is_text ? on_text(find_text(&part, "text")) : mark(json_of(part));
  }
  return all;
}

std::string unchanged(std::string_view text) {
  return std::string(text);
}

// The conversation, a string a message, with the attachments in their places. Counts the places.
std::vector<std::string> expected(const HandoffRequest& request, const std::vector<Attachment>& attachments,
                                  std::size_t& places) {
  places = 0;
  const auto replace = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = std::find_if(attachments.begin(), attachments.end(), [&](const Attachment& attachment) {
      return attachment.is_file() && attachment.name == name;
    });
    if (found == attachments.end()) return std::nullopt;
    ++places;
    return in_place(*found);
  };
  const auto on_text = [&](std::string_view text) { return with_braces_replaced(text, replace); };
  std::vector<std::string> all;
  std::optional<std::size_t> last_of_user;
  if (const rapidjson::Value* messages = find_messages(request)) {
    for (const rapidjson::Value& message : messages->GetArray()) {
      if (is_of_user(message)) last_of_user = all.size();
      all.push_back(is_of_user(message) ? told(message["content"], on_text) : json_of(message));
    }
  } else {
    all.push_back(on_text(request.prompt));
    last_of_user = 0;
  }
  if (!last_of_user) {
    last_of_user = all.size();
    all.emplace_back();
  }
  std::string before;
  for (const Attachment& attachment : attachments) {
    if (attachment.uses > 0) continue;
    const std::string titled =
        attachment.url.empty() ? attachment.name + ":\n" + attachment.text : in_place(attachment);
    const std::string gap = attachment.url.empty() ? "\n\n" : "";
    attachment.before ? before += titled + gap : all[*last_of_user] += gap + titled;
  }
  all[*last_of_user].insert(0, before);
  return all;
}

// --- Properties ---------------------------------------------------------------------------------------------------------

void must_be_a_message(const std::string& message) {
  MUST(!message.empty() && fuzz::is_utf8(message));
  MUST(is_header_value(message));  // it is a line of the log, too
}

std::string decoded(std::string_view base64) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0, count = 0;
  MUST(base64.size() % 4 == 0);
  for (const char digit : base64.substr(0, base64.find('='))) {
    MUST(kDigits.find(digit) != std::string_view::npos);
    bits = bits << 6 | static_cast<std::uint32_t>(kDigits.find(digit));
    if ((count += 6) >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return bytes;
}

void must_hold_contents(const Attachment& attachment, std::string_view contents) {
  if (attachment.kind == Attachment::Kind::kText) {
    MUST(attachment.url.empty() && attachment.text == contents);
    MUST(fuzz::is_utf8(contents) && contents.find('\0') == std::string_view::npos);
    return;
  }
  constexpr std::string_view kMark = ";base64,";
  const std::string_view url = attachment.url;
  const bool is_pdf = attachment.kind == Attachment::Kind::kPdf;
  MUST(attachment.kind != Attachment::Kind::kAny && attachment.text.empty());
  MUST(url.starts_with(is_pdf ? "data:application/pdf;base64," : "data:image/"));
  MUST(decoded(url.substr(url.find(kMark) + kMark.size())) == contents);
}

// Also where each API has other words for what the attachments have become.
void must_be_asked_for(const HandoffRequest& request, std::size_t most_bytes) {
  must_be_an_object(chat_completion_request(request, "standard"), most_bytes);
  must_be_an_object(responses_request(request, "standard"), most_bytes);
  must_be_an_object(messages_request(request, "standard", 1000), most_bytes);
  must_be_an_object(run_request(request, {.assistant_id = "agent", .stream_mode = {"values"}}), most_bytes);
}

void must_be_the_conversation(const HandoffRequest& request, const std::vector<std::string>& conversation) {
  MUST(request.messages != nullptr && request.messages->Size() == conversation.size());
  for (std::size_t index = 0; index < conversation.size(); ++index) {
    const rapidjson::Value& message = (*request.messages)[static_cast<rapidjson::SizeType>(index)];
    MUST((is_of_user(message) ? told(message["content"], unchanged) : json_of(message)) == conversation[index]);
  }
}

std::string url_of_image(std::string_view base64) {
  const char first = decoded(base64)[0];
  const char* type = first == '\x89' ? "png" : first == '\xFF' ? "jpeg" : first == 'G' ? "gif" : "webp";
  return "data:image/" + std::string(type) + ";base64," + std::string(base64);
}

// Whether all could be taken.
bool take_all(std::vector<Attachment>& attachments, const std::vector<std::string_view>& files) {
  for (std::size_t index = 0; index < attachments.size(); ++index) {
    if (!attachments[index].is_file()) {
      attachments[index].url = url_of_image(attachments[index].base64);
      continue;
    }
    const std::string_view contents = files[index % files.size()];
    if (const Status taken = take_contents(attachments[index], std::string(contents)); !taken) {
      must_be_a_message(taken.error().message);
      return false;
    }
    must_hold_contents(attachments[index], contents);
  }
  return true;
}

// What may come of a payload of so many bytes, with all that the attachments bring.
std::size_t most_bytes(std::size_t payload_bytes, const std::vector<Attachment>& attachments) {
  constexpr std::size_t kMostEscaped = 6;  // "\u0001"
  constexpr std::size_t kPart = 256;
  std::size_t most = kMostGrowth * payload_bytes + kMostBesides;
  for (const Attachment& attachment : attachments) {
    const std::size_t once = attachment.name.size() + attachment.text.size() + attachment.url.size();
    most += std::max<std::size_t>(attachment.uses, 1) * (kMostEscaped * once + kPart);
  }
  return most;
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const Input input = split(fuzz::text(data, size));
  HandoffRequestParser parser;
  const auto parsed = parser.parse(input.payload);
  if (!parsed.ok()) return 0;
  HandoffRequest& request = **parsed;
  Config config;
  config.attachments_data_dir = "/";
  auto attachments = find_attachments(request, config);
  if (!attachments) {
    must_be_a_message(attachments.error().message);
    return 0;
  }
  MUST(attachments->size() <= static_cast<std::size_t>(config.attachments_max_files));
  if (attachments->empty() || !take_all(*attachments, input.files)) return 0;

  std::size_t places = 0, uses = 0;
  const std::vector<std::string> conversation = expected(request, *attachments, places);
  for (const Attachment& attachment : *attachments) uses += attachment.uses;
  MUST(uses == places && uses <= kMaxAttachmentUses);
  const std::size_t most = most_bytes(input.payload.size(), *attachments);
  add_attachments(request, std::move(*attachments));
  must_be_the_conversation(request, conversation);
  must_be_asked_for(request, most);
  return 0;
}
