// SPDX-License-Identifier: Apache-2.0
// Whether something may be done, and if not, why. A value that borrows a text without an end. Pure.

#pragma once

namespace socket_handoff {

// Yes; or no, with the reason: half a sentence for the log, which follows "because".
class Verdict {
 public:
  static Verdict yes() { return Verdict(nullptr); }
  static Verdict no(const char* reason) { return Verdict(reason); }

  bool is_yes() const { return !reason_; }
  const char* reason() const { return reason_; }  // of a no

 private:
  explicit Verdict(const char* reason) : reason_(reason) {}

  const char* reason_;
};

}  // namespace socket_handoff
