// SPDX-License-Identifier: Apache-2.0
#include "backends/wrapping/attachments.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "backends/json_fields.h"
#include "backends/limits.h"
#include "backends/request_body.h"
#include "backends/wrapping/placeholders.h"
#include "base/base64.h"
#include "base/printable.h"
#include "base/utf8.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Allocator = rapidjson::Document::AllocatorType;
using FileKind = Attachment::Kind;

Value reference_to(std::string_view text) {
  return text.empty() ? Value("") : Value(rapidjson::StringRef(text.data(), text.size()));
}

// --- What they are --------------------------------------------------------------------------------------------------

// Empty if it is no image that the APIs take.
std::string_view image_type(std::string_view contents) {
  if (contents.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (contents.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (contents.starts_with("GIF87a") || contents.starts_with("GIF89a")) return "image/gif";
  return contents.starts_with("RIFF") && contents.substr(std::min<std::size_t>(8, contents.size())).starts_with("WEBP")
             ? "image/webp"
             : std::string_view();
}

constexpr char kNoImage[] = "is no PNG, JPEG, GIF or WebP";

// By the beginning of what it encodes.
std::string_view image_type_of_base64(std::string_view base64) {
  constexpr std::size_t kBeginning = 16;
  return image_type(decode_base64(base64.substr(0, kBeginning)));
}

std::string beginning_of_data_url(std::string_view media_type) {
  return "data:" + std::string(media_type) + ";base64,";
}

std::string url_of_image(std::string_view base64) {
  return beginning_of_data_url(image_type_of_base64(base64)) += base64;
}

std::string data_url(std::string_view media_type, std::string_view contents) {
  std::string url = beginning_of_data_url(media_type);
  append_base64(url, contents);
  return url;
}

// --- Which files ----------------------------------------------------------------------------------------------------

// Beneath data_dir; the kernel sees to that, whatever is here.
bool is_path(std::string_view name) {
  return !name.empty() && name.size() < 4096 && name.front() != '/' && name.find('\0') == std::string_view::npos;
}

FileKind kind_of_type(std::string_view media_type) {
  if (media_type.starts_with("image/")) return FileKind::kImage;
  return media_type == "application/pdf" ? FileKind::kPdf : FileKind::kText;
}

std::size_t size_of(const Value* list) {
  if (list == nullptr) return 0;
  return list->IsArray() ? list->Size() : list->MemberCount();
}

// How many of `images` are in the payload.
std::size_t count_objects(const Value* images) {
  if (images == nullptr) return 0;
  return static_cast<std::size_t>(
      std::count_if(images->Begin(), images->End(), [](const Value& image) { return image.IsObject(); }));
}

// Before any name is looked at. `in_payload` of them are no files.
Status check_count(std::size_t count, std::size_t in_payload, const Config& config) {
  if (count > in_payload && config.attachments_data_dir.empty()) {
    return Error{"attachments are not taken here: no data_dir is configured"};
  }
  if (count > static_cast<std::size_t>(config.attachments_max_files)) {
    return Error{"there are more than " + std::to_string(config.attachments_max_files) + " attachments"};
  }
  return success();
}

std::size_t decoded_bytes(const Attachment& image) {
  const std::size_t padding = image.base64.size() - (image.base64.find_last_not_of('=') + 1);
  return image.base64.size() / 4 * 3 - padding;
}

Status check_bytes_in_payload(const std::vector<Attachment>& found, const Config& config) {
  for (const Attachment& attachment : found) {
    if (decoded_bytes(attachment) > static_cast<std::size_t>(config.attachments_max_file_bytes)) {
      return Error{message_about(attachment, "is too large")};
    }
  }
  if (bytes_in_payload(found) <= static_cast<std::size_t>(config.attachments_max_total_bytes)) return success();
  return Error{"the images are larger than " + std::to_string(config.attachments_max_total_bytes) + " bytes together"};
}

// The content of a message of the user; null if it is another's, or has none. For Value and const Value.
template <typename AnyValue>
AnyValue* content_of_user(AnyValue& message) {
  if (!message.IsObject() || !message.HasMember("role") || !message.HasMember("content")) return nullptr;
  AnyValue& content = message["content"];
  return message["role"] == "user" && (content.IsString() || content.IsArray()) ? &content : nullptr;
}

// The text of a part that has nothing else; null if it is another part.
const Value* text_of_part(const Value& part) {
  if (!part.IsObject() || part.MemberCount() != 2) return nullptr;
  const auto type = part.FindMember("type"), text = part.FindMember("text");
  const bool is_text = type != part.MemberEnd() && text != part.MemberEnd() && type->value == "text";
  return is_text && text->value.IsString() ? &text->value : nullptr;
}

// Calls on_text(std::string_view) with each text of the user.
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

// Gathers the files that a hand-off names, and the images in its payload.
std::size_t count_named(const HandoffRequest& request) {
  return size_of(request.attachments) + size_of(request.images) + size_of(request.image_paths) +
         !request.image_path.empty() + !request.image_base64.empty();
}

class Finder {
 public:
  Status add_all(const HandoffRequest& request) {
    if (Status added = add_attachments(request.attachments); !added) return added;
    if (Status added = add_types(request.attachment_types, request.attachments); !added) return added;
    if (Status added = add_images(request.images); !added) return added;
    if (Status added = add_paths(request.image_paths, "image_paths", FileKind::kImage, true); !added) return added;
    if (!request.image_path.empty()) {
      const Status added = add_file(request.image_path, request.image_path, FileKind::kImage, true);
      if (!added) return added;
    }
    if (request.image_base64.empty()) return success();
    return add_image("image_base64", request.image_base64, request.image_mime_type);
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

  // The files first: names_ has their indices.
  std::vector<Attachment> take() {
    std::move(images_.begin(), images_.end(), std::back_inserter(found_));
    return std::move(found_);
  }

 private:
  // `paths` is null or an array; its paths are names, too, and of that kind, or, kAny, of what their types say.
  Status add_paths(const Value* paths, const char* field, FileKind kind, bool before) {
    for (rapidjson::SizeType index = 0; index < size_of(paths); ++index) {
      const Value& path = (*paths)[index];
      if (!path.IsString()) return Error{std::string(field) + " must be an array of strings"};
      if (Status added = add_file(text_of(path), text_of(path), kind, before); !added) return added;
    }
    return success();
  }

  // Null, an array of paths, or an object with a path for each name. The object is another daemon's form: what it names
  // is put before the text, as in that daemon.
  Status add_attachments(const Value* attachments) {
    if (attachments == nullptr || attachments->IsArray()) {
      return add_paths(attachments, "attachments", FileKind::kAny, false);
    }
    for (const auto& [name, path] : attachments->GetObject()) {
      if (!path.IsString()) return Error{"attachments must have a path for each name"};
      if (Status added = add_file(text_of(name), text_of(path), FileKind::kAny, true); !added) return added;
    }
    return success();
  }

  // Null, or an array of paths and of {"base64": ..., "mime_type": ...}.
  Status add_images(const Value* images) {
    for (rapidjson::SizeType index = 0; index < size_of(images); ++index) {
      const Value& image = (*images)[index];
      if (!image.IsString() && !image.IsObject()) {
        return Error{"images must be an array of paths, or of objects with \"base64\""};
      }
      const Status added = image.IsString() ? add_file(text_of(image), text_of(image), FileKind::kImage, false)
                                            : add_image("images[" + std::to_string(index) + "]",
                                                        find_text(&image, "base64"), find_text(&image, "mime_type"));
      if (!added) return added;
    }
    return success();
  }

  Status add_file(std::string_view name, std::string_view path, FileKind kind, bool before) {
    const auto [at, is_new] = names_.add(name);
    if (is_new) found_.push_back({.name = std::string(name), .path = std::string(path), .before = before});
    if (found_[at].kind == FileKind::kAny) found_[at].kind = kind;
    if (name.empty() || !is_path(path)) return Error{message_about(found_[at], "is not a path beneath data_dir")};
    return found_[at].path == path ? success() : Error{message_about(found_[at], "is the name of two files")};
  }

  // An image in the payload. Its contents decide its type, as a file's do.
  Status add_image(std::string name, std::string_view base64, std::string_view media_type) {
    Attachment image{.name = std::move(name), .kind = FileKind::kImage, .before = true, .base64 = base64};
    if (!media_type.empty() && kind_of_type(media_type) != FileKind::kImage) {
      return Error{message_about(image, "has a type that is no image's")};
    }
    if (!base64_decoded_size(base64)) return Error{message_about(image, "is not base64")};
    if (image_type_of_base64(base64).empty()) return Error{message_about(image, kNoImage)};
    images_.push_back(std::move(image));
    return success();
  }

  // `types` is an array beside `attachments`, an object by names, or null.
  Status add_types(const Value* types, const Value* attachments) {
    if (types == nullptr || attachments == nullptr) return success();
    if (types->IsArray() && !types->Empty()) {
      if (!attachments->IsArray()) return Error{"attachment_types must be an object where attachments is one"};
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

  Status add_type(const Value& type, const Value& name) {
    const std::optional<std::size_t> index = names_.find(text_of(name));
    if (!index || type.IsNull()) return success();
    if (!type.IsString()) return Error{"attachment_types must hold strings"};
    if (found_[*index].kind == FileKind::kAny) found_[*index].kind = kind_of_type(text_of(type));
    return success();
  }

  PlaceholderNames names_;  // of found_, by its indices; refers to the request
  std::vector<Attachment> found_;
  std::vector<Attachment> images_;  // in the payload
};

// --- Where they go --------------------------------------------------------------------------------------------------

// An attachment whose name, path and url the request keeps.
struct Placed {
  std::string_view name;  // empty: of an image of the payload, which nothing can ask for
  std::string_view path;
  FileKind kind;
  std::size_t uses;
  bool before;
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
    if (attachment.kind == FileKind::kPdf) {
      inner.AddMember("filename", reference_to(attachment.path), allocator_);
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
    for (const Placed& attachment : attachments_) {
      if (!attachment.name.empty()) names_.add(attachment.name);
    }
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

  // What no placeholder has asked for is put before and after the user's text.
  Value with_the_rest(Value& old) {
    Content content(allocator_);
    add_the_rest(true, content);
    each_part(old, content, [&](std::string_view text) { content.add_text(text); });
    add_the_rest(false, content);
    return content.finish();
  }

  void add_the_rest(bool before, Content& content) const {
    for (const Placed& attachment : attachments_) {
      if (attachment.uses > 0 || attachment.before != before) continue;
      const bool is_text = attachment.url.empty();
      if (is_text) content.add_text((before ? "" : "\n\n") + std::string(attachment.name) + ":\n");
      content.add(attachment);
      if (is_text && before) content.add_text("\n\n");
    }
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

bool asks_for_attachments(const HandoffRequest& request) {
  return count_named(request) > 0;
}

Result<std::vector<Attachment>> find_attachments(const HandoffRequest& request, const Config& config) {
  const std::size_t in_payload = count_objects(request.images) + !request.image_base64.empty();
  const std::size_t named = count_named(request);
  if (named == 0) return std::vector<Attachment>();
  if (Status checked = check_count(named, in_payload, config); !checked) return checked.error();
  Finder finder;
  if (Status added = finder.add_all(request); !added) return added.error();
  if (Status counted = finder.count_uses(request); !counted) return counted.error();
  std::vector<Attachment> found = finder.take();
  if (Status checked = check_bytes_in_payload(found, config); !checked) return checked.error();
  return found;
}

std::size_t bytes_in_payload(const std::vector<Attachment>& attachments) {
  std::size_t bytes = 0;
  for (const Attachment& attachment : attachments) bytes += decoded_bytes(attachment);
  return bytes;
}

Status take_contents(Attachment& attachment, std::string contents) {
  const std::string_view image = image_type(contents);
  const bool is_pdf = contents.starts_with("%PDF-");
  if (attachment.kind == FileKind::kAny) {
    attachment.kind = is_pdf ? FileKind::kPdf : image.empty() ? FileKind::kText : FileKind::kImage;
  }
  switch (attachment.kind) {
    case FileKind::kImage:
      if (image.empty()) return Error{message_about(attachment, kNoImage)};
      attachment.url = data_url(image, contents);
      break;
    case FileKind::kPdf:
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
    if (!attachment.is_file()) attachment.url = url_of_image(attachment.base64);
    placed.push_back({.name = attachment.is_file() ? request.json.keep(std::move(attachment.name)) : std::string_view(),
                      .path = request.json.keep(std::move(attachment.path)),
                      .kind = attachment.kind,
                      .uses = attachment.uses,
                      .before = attachment.before,
                      .text = attachment.text,
                      .url = request.json.keep(std::move(attachment.url))});
  }
  request.replace_messages(Rewriter(placed, request.json.document().GetAllocator()).rewrite(request));
}

}  // namespace streaming
