// SPDX-License-Identifier: Apache-2.0
// StoreReply: a reply of the store, in one piece of memory: each element stands before those that it contains.
// StoreReplyReader: takes replies out of what the store sends (RESP 2), by hiredis.
//
// Both are members of a StoreConnection, on its thread. The store is not trusted: a reply over a limit is an error.

#pragma once

#include <hiredis/read.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace streaming {

class StoreReply {
 public:
  enum class Kind : std::uint8_t { kText, kStatus, kError, kInteger, kNull, kArray };

  // Of the whole reply.
  Kind kind() const { return elements_.front().kind; }
  bool is_error() const { return kind() == Kind::kError; }
  // Of an error, a status or a text; otherwise empty.
  std::string_view text() const { return text_of(elements_.front()); }
  // Of an integer; otherwise 0.
  std::int64_t integer() const { return kind() == Kind::kInteger ? elements_.front().number : 0; }

 private:
  friend class StoreReplyReader;
  friend class StoreReplyCursor;

  struct Element {
    Kind kind;
    std::uint32_t text_at = 0;
    std::uint32_t text_bytes = 0;
    std::int64_t number = 0;  // of an integer; of an array: its elements
  };

  std::string_view text_of(const Element& element) const {
    return std::string_view(texts_).substr(element.text_at, element.text_bytes);
  }

  std::vector<Element> elements_;
  std::string texts_;
};

// Goes through a reply's elements in order. A take function returns nothing, and stays, if the next one is of another
// kind.
class StoreReplyCursor {
 public:
  explicit StoreReplyCursor(const StoreReply& reply) : reply_(reply) {}

  bool at_end() const { return next_ == reply_.elements_.size(); }
  // The elements of the array, which follow.
  std::optional<std::size_t> take_array();
  // A text or a status.
  std::optional<std::string_view> take_text();
  std::optional<std::int64_t> take_integer();
  // Passes the next element, with all that it contains.
  void skip();

 private:
  const StoreReply::Element* next() const { return at_end() ? nullptr : &reply_.elements_[next_]; }

  const StoreReply& reply_;
  std::size_t next_ = 0;
};

class StoreReplyReader {
 public:
  StoreReplyReader();
  StoreReplyReader(const StoreReplyReader&) = delete;
  StoreReplyReader& operator=(const StoreReplyReader&) = delete;

  // On an Error it must not be used any more, except for reset().
  Status feed(std::span<const char> bytes);
  // The next whole reply, which is valid until the next call; null if there is none yet.
  Result<const StoreReply*> next();
  // For a new connection.
  void reset();

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };

  static redisReplyObjectFunctions& functions();
  // Null, which hiredis takes for a lack of memory, if the reply would exceed a limit.
  static void* add(const redisReadTask* task, StoreReply::Element element, std::string_view text = {});

  Error error() const;

  std::unique_ptr<redisReader, FreeReader> reader_;
  StoreReply reply_;
};

}  // namespace streaming
