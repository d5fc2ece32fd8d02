// SPDX-License-Identifier: Apache-2.0
// FileReader: reads whole files from disk, and removes files, without blocking its worker: the ring opens, stats, reads
// and removes them, in kernel threads if the disk is slow.
//
// One per worker, which owns it, on its thread. No path leads out of the given directory: "..", links and magic links
// of /proc are refused (openat2). Only regular files are read.

#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/slab.h"
#include "base/unique_fd.h"
#include "ring/completion_table.h"
#include "ring/ring.h"

namespace streaming {

class FileReceiver {
 public:
  // The file's size, before it is read. False: do not read it; the receiver is not called again.
  virtual bool on_size(std::size_t bytes) = 0;
  // The file's contents, or an Error. Its code is EFBIG if the file is too large, EINVAL if it is not a regular
  // file.
  virtual void on_file(Result<std::string> contents) = 0;

 protected:
  ~FileReceiver() = default;
};

// Whether this system can open files as FileReader does: openat2() of Linux 5.6, unless a filter forbids it.
bool can_open_beneath();

class FileReader {
 public:
  using Directory = std::shared_ptr<const UniqueFd>;

  explicit FileReader(Ring& ring);
  ~FileReader();

  // Calls the receiver with the size and then with the contents, never from within, unless forget() comes first. `path`
  // is relative.
  Handle read(Directory directory, std::string path, std::size_t max_bytes, FileReceiver& receiver);
  void forget(Handle read);

  // Reports no result; a failure is logged.
  void remove(Directory directory, std::string path);

  // Completions of files' operations go to this.
  void enter_at(CompletionTable& completions);

  bool empty() const { return jobs_.size() == 0; }

 private:
  class Job;

  void submit_open(Job& job);
  void on_opened(const Completion& completion);
  void on_status(const Completion& completion);
  void submit_read(Job& job);
  void on_read(const Completion& completion);
  void on_removed(const Completion& completion);
  Job& completed(const Completion& completion);
  void finish(Job& job, int code);

  Ring& ring_;
  Slab<Job> jobs_;
};

}  // namespace streaming
