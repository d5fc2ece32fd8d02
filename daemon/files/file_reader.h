// SPDX-License-Identifier: Apache-2.0
// FileReader: reads whole files of the disk, and removes files, without making its worker wait: the ring opens, looks,
// reads and removes in threads of the kernel's where the disk takes its time.
//
// One per worker, owned by it, on its thread. Nothing outside of the given directory is reached, whatever the path: no
// "..", no link, no mount of /proc (openat2); and nothing but regular files is read.

#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/slab.h"
#include "base/unique_fd.h"
#include "ring/ring.h"

namespace streaming {

class FileReceiver {
 public:
  // Before it is read: how large it is. False: it is not to be read, and nothing more is said of it.
  virtual bool on_size(std::size_t bytes) = 0;
  // The file's contents. The Error's code says why not: EFBIG, it is larger than it may be; EINVAL, it is no regular
  // file.
  virtual void on_file(Result<std::string> contents) = 0;

 protected:
  ~FileReceiver() = default;
};

class FileReader {
 public:
  using Directory = std::shared_ptr<const UniqueFd>;

  explicit FileReader(Ring& ring);
  ~FileReader();

  // The receiver is told of the size and then of the contents, never from within, unless it is forgotten before. `path` is relative.
  Handle read(Directory directory, std::string path, std::size_t max_bytes, FileReceiver& receiver);
  void forget(Handle read);

  // Nobody is told how it went; what fails is logged.
  void remove(Directory directory, std::string path);

  void on_completion(const Completion& completion);

  bool empty() const { return jobs_.size() == 0; }

 private:
  class Job;

  void submit_open(Job& job);
  void on_opened(Job& job, std::int32_t result);
  void on_status(Job& job, std::int32_t result);
  void on_read(Job& job, std::int32_t result);
  void on_removed(Job& job, std::int32_t result);
  void submit_read(Job& job);
  void finish(Job& job, int code);

  Ring& ring_;
  Slab<Job> jobs_;
};

}  // namespace streaming
