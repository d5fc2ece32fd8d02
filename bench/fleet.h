// SPDX-License-Identifier: Apache-2.0
// Fleet: the generator processes, seen from their parent, which forks them, reads their counts and waits for them.
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

  // Reaps those that have ended; true while one has not.
  bool running();
  // The sum of all processes' counts, also while they run.
  std::unique_ptr<Tally> sum() const;
  std::int64_t started() const { return sum_of(&Tally::started); }
  std::int64_t open() const { return sum_of(&Tally::open); }
  std::int64_t completed() const { return sum_of(&Tally::completed); }
  std::int64_t events() const { return sum_of(&Tally::events); }
  std::int64_t failed() const;

  // The text of one failure; empty if there was none.
  std::string last_error() const;
  // False if a process was ended by a signal.
  bool sound() const { return sound_; }

 private:
  // The memory that a process shares with its parent.
  struct Report {
    Tally tally;
    char last_error[256];
  };
  struct Unmap {
    std::size_t bytes;
    void operator()(Report* reports) const;
  };

  Fleet() = default;

  // Runs in the forked process.
  static int generate(const Options& options, std::uint32_t process, std::int64_t begin_ns, Report& report);
  std::int64_t sum_of(Count Tally::*member) const;

  std::unique_ptr<Report[], Unmap> reports_;  // one for each process, in shared memory
  std::vector<pid_t> children_;               // 0: has ended
  bool sound_ = true;
};

}  // namespace streaming::bench
