// SPDX-License-Identifier: Apache-2.0
#include "backends/attachments.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backends/placeholders.h"
#include "backends/request_body.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/printable.h"
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
  return text.empty() ? Value("") : Value(rapidjson::StringRef(text.data(), text.size()));
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

std::size_t size_of(const Value* array) {
  return array == nullptr ? 0 : array->Size();
}

// Before any name is looked at.
Status check_count(std::size_t count, const Config& config) {
  if (config.attachments_data_dir.empty()) return Error{"attachments are not taken here: no data_dir is configured"};
  if (count > static_cast<std::size_t>(config.attachments_max_files)) {
    return Error{"there are more than " + std::to_string(config.attachments_max_files) + " attachments"};
  }
  return success();
}

// The content of a message of the user; null where it is another's, or has none. For Value and const Value.
template <typename AnyValue>
AnyValue* content_of_user(AnyValue& message) {
  if (!message.IsObject() || !message.HasMember("role") || !message.HasMember("content")) return nullptr;
  AnyValue& content = message["content"];
  return message["role"] == "user" && (content.IsString() || content.IsArray()) ? &content : nullptr;
}

// The text of a part that has nothing else; null where it is another part.
const Value* text_of_part(const Value& part) {
  if (!part.IsObject() || part.MemberCount() != 2) return nullptr;
  const auto type = part.FindMember("type"), text = part.FindMember("text");
  const bool is_text = type != part.MemberEnd() && text != part.MemberEnd() && type->value == "text";
  return is_text && text->value.IsString() ? &text->value : nullptr;
}

// Calls on_text(std::string_view) with each text that the user says.
template <typename OnText>
void each_user_text(const HandoffRequest& request, OnText&& on_text) {
  const Value* messages = find_messages(request);
  if (messages == nullptr) return on_text(request.prompt);
  for (const Value& message : messages->GetArray()) {
    const Value* content = content_of_user(message);
    if (content == nullptr) continue;
    if (content->IsString()) {
      on_text(text_of(*content));
      continue;
    }
    for (const Value& part : content->GetArray()) {
      if (const Value* text = text_of_part(part)) on_text(text_of(*text));
    }
  }
}

// The files that a hand-off names, while they are gathered.
class Finder {
 public:
  // `list` is null or an array; its names are of that kind, or, kAny, of what their types say.
  Status add(const Value* list, const char* field, Kind kind) {
    for (rapidjson::SizeType index = 0; index < size_of(list); ++index) {
      const Value& name = (*list)[index];
      if (!name.IsString()) return Error{std::string(field) + " must be an array of strings"};
      const auto [at, is_new] = names_.add(text_of(name));
      if (is_new) found_.push_back({.name = std::string(text_of(name))});
      if (found_[at].kind == Kind::kAny) found_[at].kind = kind;
      if (!is_path(found_[at].name)) return Error{message_about(found_[at], "is not a path beneath data_dir")};
    }
    return success();
  }

  // `types` is an array beside `attachments`, an object by names, or null.
  Status add_types(const Value* types, const Value* attachments) {
    if (types == nullptr || attachments == nullptr) return success();
    if (types->IsArray()) {
      const rapidjson::SizeType both = std::min(types->Size(), attachments->Size());
      for (rapidjson::SizeType index = 0; index < both; ++index) {
        if (Status added = add_type((*types)[index], (*attachments)[index]); !added) return added;
      }
    } else if (types->IsObject()) {
      for (const auto& [name, type] : types->GetObject()) {
        if (Status added = add_type(type, name); !added) return added;
      }
    }
    return success();
  }

  Status count_uses(const HandoffRequest& request) {
    std::size_t uses = 0;
    each_user_text(request, [&](std::string_view text) {
      split_at_placeholders(text, names_, [](std::string_view) {}, [&](std::size_t index) {
        ++found_[index].uses;
        ++uses;
      });
    });
    if (uses <= kMaxAttachmentUses) return success();
    return Error{"attachments are asked for in more than " + std::to_string(kMaxAttachmentUses) + " places"};
  }

  std::vector<Attachment> take() { return std::move(found_); }

 private:
  Status add_type(const Value& type, const Value& name) {
    const std::optional<std::size_t> index = names_.find(text_of(name));
    if (!index || type.IsNull()) return success();
    if (!type.IsString()) return Error{"attachment_types must hold strings"};
    if (found_[*index].kind == Kind::kAny) found_[*index].kind = kind_of_type(text_of(type));
    return success();
  }

  PlaceholderNames names_;  // of found_, by its indices; refers to the request
  std::vector<Attachment> found_;
};

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

// An attachment whose name and url the request keeps.
struct Placed {
  std::string_view name;
  Kind kind;
  std::size_t uses;
  std::string_view text;
  std::string_view url;
};

// The content of one message while it is written anew: texts that stand beside each other become one.
class Content {
 public:
  explicit Content(Allocator& allocator) : allocator_(allocator), parts_(rapidjson::kArrayType) {}

  void add_text(std::string_view text) { text_ += text; }
  void add_part(Value part) {
    end_text();
    parts_.PushBack(part, allocator_);
  }
  void add(const Placed& attachment) {
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
  Rewriter(const std::vector<Placed>& attachments, Allocator& allocator)
      : attachments_(attachments), allocator_(allocator) {
    for (const Placed& attachment : attachments_) names_.add(attachment.name);
  }

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
      if (attachments_[index].uses > 0) continue;
      const Placed& attachment = attachments_[index];
      if (attachment.url.empty()) content.add_text("\n\n" + std::string(attachment.name) + ":\n");
      content.add(attachment);
    }
    return content.finish();
  }

  template <typename OnText>
  void each_part(Value& old, Content& content, OnText&& on_text) {
    if (old.IsString()) return on_text(text_of(old));
    for (Value& part : old.GetArray()) {
      const Value* text = text_of_part(part);
      text != nullptr ? on_text(text_of(*text)) : content.add_part(std::move(part));
    }
  }

  void replace_placeholders(std::string_view text, Content& content) {
    split_at_placeholders(
        text, names_, [&](std::string_view between) { content.add_text(between); },
        [&](std::size_t index) { content.add(attachments_[index]); });
  }

  const std::vector<Placed>& attachments_;
  PlaceholderNames names_;
  Allocator& allocator_;
};

}  // namespace

std::string message_about(const Attachment& attachment, std::string_view what) {
  return "attachment \"" + printable_name(attachment.name) + "\" " + std::string(what);
}

Result<std::vector<Attachment>> find_attachments(const HandoffRequest& request, const Config& config) {
  const std::size_t named = size_of(request.attachments) + size_of(request.images);
  if (named == 0) return std::vector<Attachment>();
  if (Status checked = check_count(named, config); !checked) return checked.error();
  Finder finder;
  if (Status added = finder.add(request.attachments, "attachments", Kind::kAny); !added) return added.error();
  if (Status added = finder.add_types(request.attachment_types, request.attachments); !added) return added.error();
  if (Status added = finder.add(request.images, "images", Kind::kImage); !added) return added.error();
  if (Status counted = finder.count_uses(request); !counted) return counted.error();
  return finder.take();
}

Status take_contents(Attachment& attachment, std::string contents) {
  const std::string_view image = image_type(contents);
  const bool is_pdf = contents.starts_with("%PDF-");
  if (attachment.kind == Kind::kAny) {
    attachment.kind = is_pdf ? Kind::kPdf : image.empty() ? Kind::kText : Kind::kImage;
  }
  switch (attachment.kind) {
    case Kind::kImage:
      if (image.empty()) return Error{message_about(attachment, "is no PNG, JPEG, GIF or WebP")};
      attachment.url = data_url(image, contents);
      break;
    case Kind::kPdf:
      if (!is_pdf) return Error{message_about(attachment, "is no PDF")};
      attachment.url = data_url("application/pdf", contents);
      break;
    default:
      if (!is_utf8(contents) || contents.find('\0') != std::string::npos) {
        return Error{message_about(attachment, "is neither text in UTF-8, nor an image, nor a PDF")};
      }
      attachment.text = std::move(contents);
  }
  return success();
}

void add_attachments(HandoffRequest& request, std::vector<Attachment> attachments) {
  std::vector<Placed> placed;
  for (Attachment& attachment : attachments) {
    placed.push_back({.name = request.json.keep(std::move(attachment.name)),
                      .kind = attachment.kind,
                      .uses = attachment.uses,
                      .text = attachment.text,
                      .url = request.json.keep(std::move(attachment.url))});
  }
  request.replace_messages(Rewriter(placed, request.json.document().GetAllocator()).rewrite(request));
}

}  // namespace streaming
