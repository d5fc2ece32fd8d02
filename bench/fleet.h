// SPDX-License-Identifier: Apache-2.0
// Fleet: the generator processes, as their parent sees them: forked, counted while they run, waited for.
//
// Owned by main(); the processes end with it.

#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/options.h"
#include "bench/tally.h"

namespace streaming::bench {

class Fleet {
 public:
  // Borrows options.
  static Result<Fleet> launch(const Options& options);

  Fleet(Fleet&&) = default;
  ~Fleet();

  // Collects those that have ended; true while one has not.
  bool running();
  // All processes' counts added up, also while they run.
  std::unique_ptr<Tally> sum() const;
  std::int64_t started() const { return sum_of(&Tally::started); }
  std::int64_t open() const { return sum_of(&Tally::open); }
  std::int64_t completed() const { return sum_of(&Tally::completed); }
  std::int64_t events() const { return sum_of(&Tally::events); }
  std::int64_t failed() const;

  // One of the failures in words, empty when there was none.
  std::string last_error() const;
  // False when a process did not end by itself.
  bool sound() const { return sound_; }

 private:
  // What a process shares with its parent.
  struct Report {
    Tally tally;
    char last_error[256];
  };
  struct Unmap {
    std::size_t bytes;
    void operator()(Report* reports) const;
  };

  Fleet() = default;

  // The forked process's life.
  static int generate(const Options& options, std::uint32_t process, std::int64_t begin_ns, Report& report);
  std::int64_t sum_of(Count Tally::*member) const;

  std::unique_ptr<Report[], Unmap> reports_;  // one a process, in shared memory
  std::vector<pid_t> children_;               // 0: has ended
  bool sound_ = true;
};

}  // namespace streaming::bench
