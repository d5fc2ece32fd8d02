#include "backends/attachments.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backends/request_body.h"
#include "base/base64.h"
#include "base/utf8.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Allocator = rapidjson::Document::AllocatorType;
using Kind = Attachment::Kind;

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

Value reference_to(std::string_view text) {
  return Value(rapidjson::StringRef(text.data(), text.size()));
}

std::string in_quotes(std::string_view name) {
  return "attachment \"" + std::string(name) + "\"";
}

// --- Which files ----------------------------------------------------------------------------------------------------

// Beneath data_dir; the kernel sees to that, whatever is here.
bool is_path(std::string_view name) {
  return !name.empty() && name.size() < 4096 && name.front() != '/' && name.find('\0') == std::string_view::npos;
}

Kind kind_of_type(std::string_view media_type) {
  if (media_type.starts_with("image/")) return Kind::kImage;
  return media_type == "application/pdf" ? Kind::kPdf : Kind::kText;
}

// `types` is an array beside the attachments', or an object by their names.
Result<Kind> declared_kind(const Value* types, rapidjson::SizeType index, std::string_view name) {
  const Value* type = nullptr;
  if (types != nullptr && types->IsArray() && index < types->Size()) {
    type = &(*types)[index];
  } else if (types != nullptr && types->IsObject()) {
    const auto member = types->FindMember(reference_to(name));
    if (member != types->MemberEnd()) type = &member->value;
  }
  if (type == nullptr || type->IsNull()) return Kind::kAny;
  if (!type->IsString()) return Error{"attachment_types must hold strings"};
  return kind_of_type(text_of(*type));
}

Status check_count_and_names(const std::vector<Attachment>& found, const Config& config) {
  if (found.empty()) return success();
  if (config.attachments_data_dir.empty()) return Error{"attachments are not taken here: no data_dir is configured"};
  if (found.size() > static_cast<std::size_t>(config.attachments_max_files)) {
    return Error{"there are more than " + std::to_string(config.attachments_max_files) + " attachments"};
  }
  for (const Attachment& attachment : found) {
    if (!is_path(attachment.name)) return Error{in_quotes(attachment.name) + " is not a path beneath data_dir"};
  }
  return success();
}

// --- What they are --------------------------------------------------------------------------------------------------

// Empty where it is no image that the APIs take.
std::string_view image_type(std::string_view contents) {
  if (contents.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (contents.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (contents.starts_with("GIF87a") || contents.starts_with("GIF89a")) return "image/gif";
  return contents.starts_with("RIFF") && contents.substr(std::min<std::size_t>(8, contents.size())).starts_with("WEBP")
             ? "image/webp"
             : std::string_view();
}

std::string data_url(std::string_view media_type, std::string_view contents) {
  std::string url = "data:" + std::string(media_type) + ";base64,";
  append_base64(url, contents);
  return url;
}

// --- Where they go --------------------------------------------------------------------------------------------------

// The content of one message while it is written anew: texts that stand beside each other become one.
class Content {
 public:
  explicit Content(Allocator& allocator) : allocator_(allocator), parts_(rapidjson::kArrayType) {}

  void add_text(std::string_view text) { text_ += text; }
  void add_part(Value part) {
    end_text();
    parts_.PushBack(part, allocator_);
  }
  void add(const Attachment& attachment) {
    if (attachment.url.empty()) return add_text(attachment.text);
    Value inner(rapidjson::kObjectType), part(rapidjson::kObjectType);
    if (attachment.kind == Kind::kPdf) {
      inner.AddMember("filename", reference_to(attachment.name), allocator_);
      inner.AddMember("file_data", reference_to(attachment.url), allocator_);
      part.AddMember("type", "file", allocator_).AddMember("file", inner, allocator_);
    } else {
      inner.AddMember("url", reference_to(attachment.url), allocator_);
      part.AddMember("type", "image_url", allocator_).AddMember("image_url", inner, allocator_);
    }
    add_part(std::move(part));
  }
  // A text alone stays one.
  Value finish() {
    if (parts_.Empty()) return copy_of(text_);
    end_text();
    return std::move(parts_);
  }

 private:
  Value copy_of(std::string_view text) {
    return Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator_);
  }
  void end_text() {
    if (text_.empty()) return;
    Value part(rapidjson::kObjectType);
    part.AddMember("type", "text", allocator_).AddMember("text", copy_of(text_), allocator_);
    parts_.PushBack(part, allocator_);
    text_.clear();
  }

  Allocator& allocator_;
  Value parts_;
  std::string text_;
};

class Rewriter {
 public:
  Rewriter(const std::vector<Attachment>& attachments, Allocator& allocator)
      : attachments_(attachments), used_(attachments.size(), false), allocator_(allocator) {}

  Value rewrite(const HandoffRequest& request) {
    Value messages(rapidjson::kArrayType);
    if (const Value* conversation = find_messages(request); conversation != nullptr) {
      messages.CopyFrom(*conversation, allocator_);
    } else {
      messages.PushBack(user_message(reference_to(request.prompt)), allocator_);
    }
    Value* last_content = nullptr;
    for (Value& message : messages.GetArray()) {
      Value* content = content_of_user(message);
      if (content == nullptr) continue;
      *content = with_placeholders_replaced(*content);
      last_content = content;
    }
    if (last_content == nullptr) {
      messages.PushBack(user_message(Value("")), allocator_);
      last_content = &messages[messages.Size() - 1]["content"];
    }
    *last_content = with_the_rest(*last_content);
    return messages;
  }

 private:
  Value user_message(Value content) {
    Value message(rapidjson::kObjectType);
    message.AddMember("role", "user", allocator_).AddMember("content", content, allocator_);
    return message;
  }

  static Value* content_of_user(Value& message) {
    if (!message.IsObject()) return nullptr;
    const auto role = message.FindMember("role"), content = message.FindMember("content");
    if (role == message.MemberEnd() || content == message.MemberEnd() || role->value != "user") return nullptr;
    return content->value.IsString() || content->value.IsArray() ? &content->value : nullptr;
  }

  Value with_placeholders_replaced(Value& old) {
    Content content(allocator_);
    each_part(old, content, [&](std::string_view text) { replace_placeholders(text, content); });
    return content.finish();
  }

  // What no placeholder has asked for, behind what the user says.
  Value with_the_rest(Value& old) {
    Content content(allocator_);
    each_part(old, content, [&](std::string_view text) { content.add_text(text); });
    for (std::size_t index = 0; index < attachments_.size(); ++index) {
      if (used_[index]) continue;
      const Attachment& attachment = attachments_[index];
      if (attachment.url.empty()) content.add_text("\n\n" + attachment.name + ":\n");
      content.add(attachment);
    }
    return content.finish();
  }

  template <typename OnText>
  void each_part(Value& old, Content& content, OnText&& on_text) {
    if (old.IsString()) return on_text(text_of(old));
    for (Value& part : old.GetArray()) {
      const bool is_text = part.IsObject() && part.HasMember("text") && part["text"].IsString() &&
                           part.MemberCount() == 2 && part.HasMember("type") && part["type"] == "text";
      is_text ? on_text(text_of(part["text"])) : content.add_part(std::move(part));
    }
  }

  void replace_placeholders(std::string_view text, Content& content) {
    while (!text.empty()) {
      const std::size_t open = text.find('{');
      content.add_text(text.substr(0, open));
      if (open == std::string_view::npos) return;
      text.remove_prefix(open);
      const std::size_t close = text.find('}');
      const std::optional<std::size_t> index =
          close == std::string_view::npos ? std::nullopt : find(text.substr(1, close - 1));
      if (index) {
        used_[*index] = true;
        content.add(attachments_[*index]);
      }
      const std::size_t done = index ? close + 1 : 1;
      if (!index) content.add_text("{");
      text.remove_prefix(done);
    }
  }

  std::optional<std::size_t> find(std::string_view name) const {
    for (std::size_t index = 0; index < attachments_.size(); ++index) {
      if (attachments_[index].name == name) return index;
    }
    return std::nullopt;
  }

  const std::vector<Attachment>& attachments_;
  std::vector<bool> used_;
  Allocator& allocator_;
};

}  // namespace

Result<std::vector<Attachment>> find_attachments(const HandoffRequest& request, const Config& config) {
  std::vector<Attachment> found;
  if (request.attachments != nullptr) {
    for (rapidjson::SizeType index = 0; index < request.attachments->Size(); ++index) {
      const Value& name = (*request.attachments)[index];
      if (!name.IsString()) return Error{"attachments must be an array of strings"};
      const Result<Kind> kind = declared_kind(request.attachment_types, index, text_of(name));
      if (!kind) return kind.error();
      found.push_back({.name = std::string(text_of(name)), .kind = *kind});
    }
  }
  if (request.images != nullptr) {
    for (const Value& name : request.images->GetArray()) {
      if (!name.IsString()) return Error{"images must be an array of strings"};
      found.push_back({.name = std::string(text_of(name)), .kind = Kind::kImage});
    }
  }
  if (Status checked = check_count_and_names(found, config); !checked) return checked.error();
  return found;
}

Status take_contents(Attachment& attachment, std::string contents) {
  const std::string_view image = image_type(contents);
  const bool is_pdf = contents.starts_with("%PDF-");
  if (attachment.kind == Kind::kAny) {
    attachment.kind = is_pdf ? Kind::kPdf : image.empty() ? Kind::kText : Kind::kImage;
  }
  switch (attachment.kind) {
    case Kind::kImage:
      if (image.empty()) return Error{in_quotes(attachment.name) + " is no PNG, JPEG, GIF or WebP"};
      attachment.url = data_url(image, contents);
      break;
    case Kind::kPdf:
      if (!is_pdf) return Error{in_quotes(attachment.name) + " is no PDF"};
      attachment.url = data_url("application/pdf", contents);
      break;
    default:
      if (!is_utf8(contents) || contents.find('\0') != std::string::npos) {
        return Error{in_quotes(attachment.name) + " is neither text in UTF-8, nor an image, nor a PDF"};
      }
      attachment.text = std::move(contents);
  }
  return success();
}

rapidjson::Document payload_with_attachments(const HandoffRequest& request,
                                             const std::vector<Attachment>& attachments) {
  rapidjson::Document payload;
  payload.CopyFrom(*request.payload, payload.GetAllocator());
  for (const char* field : {"attachments", "attachment_types", "images", "messages"}) payload.RemoveMember(field);
  payload.AddMember("messages", Rewriter(attachments, payload.GetAllocator()).rewrite(request), payload.GetAllocator());
  return payload;
}

}  // namespace streaming
