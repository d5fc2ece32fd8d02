// SPDX-License-Identifier: Apache-2.0
// Replies of the store: they are the same in one piece and byte by byte, the elements that a cursor passes are the
// reply's, and an entry or a hash of an answer that is read has what it must have.

#include <string>
#include <string_view>
#include <vector>

#include "answers/kept_frames.h"
#include "answers/stored_answer.h"
#include "fuzz/property.h"
#include "store/limits.h"
#include "store/store_reply.h"

namespace {

using namespace streaming;

void write_elements(StoreReplyCursor& cursor, std::string& lines) {
  while (!cursor.at_end()) {
    if (const auto elements = cursor.take_array()) {
      MUST(*elements <= static_cast<std::size_t>(kMaxStoreReplyElements));
      lines += "array " + std::to_string(*elements) + "\n";
    } else if (const auto text = cursor.take_text()) {
      lines.append("text ").append(*text).append("\n");
    } else if (const auto number = cursor.take_integer()) {
      lines += "number " + std::to_string(*number) + "\n";
    } else {
      cursor.skip();
      lines += "other\n";
    }
  }
}

void read_answer(const StoreReply& reply) {
  StoreReplyCursor cursor(reply);
  cursor.take_array();
  while (const auto entry = read_stored_entry(cursor)) {
    MUST(entry->first_event > 0 && entry->first_event <= entry->last_event);
    MUST(count_frames(entry->frames) == entry->last_event - entry->first_event + 1);
  }
  read_stored_facts(reply);
}

// All replies, and how the reader has ended.
std::string read(std::string_view bytes, std::size_t piece) {
  StoreReplyReader reader;
  std::string lines;
  while (!bytes.empty()) {
    const std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    if (!reader.feed(next)) return lines + "error\n";
    for (;;) {
      const Result<const StoreReply*> reply = reader.next();
      if (!reply) return lines + "error\n";
      if (*reply == nullptr) break;
      StoreReplyCursor cursor(**reply);
      write_elements(cursor, lines);
      read_answer(**reply);
    }
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text(data, size);
  if (size > 0) MUST(read(bytes, size) == read(bytes, 1));
  return 0;
}
