// SPDX-License-Identifier: Apache-2.0
// Http1Answer: one answer of HTTP/1.1 as its bytes come: Boost.Beast's parser, which nobody else includes.
//
// A member of an Http1Connection, on its thread. It keeps no bytes and calls nobody: what a read() has found, it returns.
// Interim heads (1xx) are passed over.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "upstream/answer_head.h"

namespace streaming {

class Http1Answer {
 public:
  // What the bytes given to read() begin with.
  struct Piece {
    std::size_t size = 0;        // how many of them it takes
    bool incomplete = false;     // the rest is to be given again, with more behind it
    bool head = false;           // the final head is complete
    std::string_view body = {};  // within the bytes
    std::string error = {};      // what is wrong; no more must be read then
  };

  Http1Answer();
  ~Http1Answer();

  // From now on an answer is expected; before, and after drop(), nothing is kept.
  void expect();
  bool expected() const { return parser_ != nullptr; }
  void drop();

  // At least one byte; not after done().
  Piece read(std::string_view bytes);
  // The server has ended the connection. False unless that is the end of the body.
  bool end();

  // Whether a byte of it was read.
  bool begun() const { return begun_; }
  bool has_head() const { return has_head_; }
  bool done() const;
  // After done(): whether the server takes another request.
  bool keeps_connection() const;

  // After Piece::head, once.
  std::unique_ptr<AnswerHead> take_head();

 private:
  class Parser;

  std::unique_ptr<Parser> parser_;
  bool begun_ = false;
  bool has_head_ = false;
};

}  // namespace streaming
