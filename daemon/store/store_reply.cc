// SPDX-License-Identifier: Apache-2.0
#include "store/store_reply.h"

#include "base/check.h"
#include "store/limits.h"

namespace streaming {

// --- StoreReplyCursor -----------------------------------------------------------------------------------------------

std::optional<std::size_t> StoreReplyCursor::take_array() {
  const StoreReply::Element* element = next();
  if (element == nullptr || element->kind != StoreReply::Kind::kArray) return std::nullopt;
  ++next_;
  return static_cast<std::size_t>(element->number);
}

std::optional<std::string_view> StoreReplyCursor::take_text() {
  const StoreReply::Element* element = next();
  if (element == nullptr) return std::nullopt;
  if (element->kind != StoreReply::Kind::kText && element->kind != StoreReply::Kind::kStatus) return std::nullopt;
  ++next_;
  return reply_.text_of(*element);
}

std::optional<std::int64_t> StoreReplyCursor::take_integer() {
  const StoreReply::Element* element = next();
  if (element == nullptr || element->kind != StoreReply::Kind::kInteger) return std::nullopt;
  ++next_;
  return element->number;
}

void StoreReplyCursor::skip() {
  for (std::int64_t left = 1; left > 0 && !at_end(); --left) {
    const StoreReply::Element& element = reply_.elements_[next_++];
    if (element.kind == StoreReply::Kind::kArray) left += element.number;
  }
}

// --- StoreReplyReader -----------------------------------------------------------------------------------------------

StoreReplyReader::StoreReplyReader() {
  reset();
}

void StoreReplyReader::reset() {
  reader_.reset(redisReaderCreateWithFunctions(&functions()));
  CHECK(reader_ != nullptr);
  reader_->privdata = &reply_;
}

// hiredis wants an object for each element. The reply has them all; what is returned to hiredis only must not be null.
// The type of an array's number of elements has changed between its versions.
redisReplyObjectFunctions& StoreReplyReader::functions() {
  static redisReplyObjectFunctions all = [] {
    redisReplyObjectFunctions made{};
    made.createString = [](const redisReadTask* task, char* text, std::size_t bytes) -> void* {
      const StoreReply::Kind kind = task->type == REDIS_REPLY_ERROR    ? StoreReply::Kind::kError
                                    : task->type == REDIS_REPLY_STATUS ? StoreReply::Kind::kStatus
                                                                       : StoreReply::Kind::kText;
      return add(task, {.kind = kind}, {text, bytes});
    };
    made.createArray = [](const redisReadTask* task, auto elements) -> void* {
      return add(task, {.kind = StoreReply::Kind::kArray, .number = static_cast<std::int64_t>(elements)});
    };
    made.createInteger = [](const redisReadTask* task, long long number) -> void* {
      return add(task, {.kind = StoreReply::Kind::kInteger, .number = number});
    };
    made.createNil = [](const redisReadTask* task) -> void* {
      return add(task, {.kind = StoreReply::Kind::kNull});
    };
    made.freeObject = [](void*) {};
    return made;
  }();
  return all;
}

void* StoreReplyReader::add(const redisReadTask* task, StoreReply::Element element, std::string_view text) {
  StoreReply& reply = *static_cast<StoreReply*>(task->privdata);
  if (task->parent == nullptr) {
    reply.elements_.clear();
    reply.texts_.clear();
  }
  if (element.kind == StoreReply::Kind::kArray && element.number > kMaxStoreReplyElements) return nullptr;
  if (reply.elements_.size() == static_cast<std::size_t>(kMaxStoreReplyElements)) return nullptr;
  if (text.size() > kMaxStoreReplyBytes - reply.texts_.size()) return nullptr;
  element.text_at = static_cast<std::uint32_t>(reply.texts_.size());
  element.text_bytes = static_cast<std::uint32_t>(text.size());
  reply.texts_.append(text);
  reply.elements_.push_back(element);
  return &reply;
}

Status StoreReplyReader::feed(std::span<const char> bytes) {
  if (reader_->len - reader_->pos + bytes.size() > kMaxStoreReplyBytes) return Error{"sends a reply that is too large"};
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) return error();
  return success();
}

Result<const StoreReply*> StoreReplyReader::next() {
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK) return error();
  if (whole == nullptr) return nullptr;
  // Later versions of hiredis have objects of their own for RESP 3's numbers and booleans, which nobody has asked for.
  if (whole != &reply_) return Error{"does not speak the protocol of Valkey and Redis: a reply of RESP 3"};
  return &reply_;
}

Error StoreReplyReader::error() const {
  return Error{std::string("does not speak the protocol of Valkey and Redis: ") + reader_->errstr};
}

}  // namespace streaming
