// SPDX-License-Identifier: Apache-2.0
#include "files/file_reader.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/log.h"

namespace streaming {
namespace {

constexpr std::uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

}  // namespace

bool can_open_beneath() {
  // A size that no kernel accepts.
  return syscall(SYS_openat2, AT_FDCWD, ".", nullptr, 0) == 0 || errno == EINVAL;
}

// One file. It always has one operation in flight, and is freed when its last one has completed.
class FileReader::Job {
 public:
  Job(Handle handle, Directory directory, std::string path) : handle_(handle), directory_(std::move(directory)) {
    path_ = std::move(path);
  }

  const Handle handle_;
  const Directory directory_;
  std::string path_;  // of the file to read; of the directory of the file to remove
  std::string name_;  // of the file to remove; empty if it is read
  FileReceiver* receiver_ = nullptr;
  std::size_t max_bytes_ = 0;
  Operation in_flight_ = Operation::kNone;
  int fd_ = -1;  // closed by the ring
  open_how how_{};
  struct statx status_ {};
  std::string contents_;
  std::size_t read_ = 0;
};

FileReader::FileReader(Ring& ring) : ring_(ring), jobs_(std::numeric_limits<std::uint32_t>::max()) {
}

FileReader::~FileReader() = default;

void FileReader::enter_at(CompletionTable& completions) {
  completions.enter<&FileReader::on_opened>(Operation::kFileOpen, *this);
  completions.enter<&FileReader::on_status>(Operation::kFileStatus, *this);
  completions.enter<&FileReader::on_read>(Operation::kFileRead, *this);
  completions.enter<&FileReader::on_removed>(Operation::kFileRemove, *this);
}

Handle FileReader::read(Directory directory, std::string path, std::size_t max_bytes, FileReceiver& receiver) {
  Job& job = *jobs_.create(std::move(directory), std::move(path));
  job.receiver_ = &receiver;
  job.max_bytes_ = max_bytes;
  // NONBLOCK: opening a pipe would wait for its other end.
  job.how_ = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .mode = 0, .resolve = kBeneath};
  submit_open(job);
  return job.handle_;
}

void FileReader::remove(Directory directory, std::string path) {
  const std::size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  Job& job = *jobs_.create(std::move(directory), slash == std::string::npos ? "." : path.substr(0, slash));
  job.name_ = std::move(name);
  // The file's directory is opened first (RESOLVE_BENEATH), because the removal itself checks only the last name.
  job.how_ = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .mode = 0, .resolve = kBeneath};
  submit_open(job);
}

void FileReader::forget(Handle handle) {
  Job* job = jobs_.find(handle);
  CHECK(job != nullptr);
  job->receiver_ = nullptr;
  ring_.submit_cancel(Tag{job->in_flight_, handle});
}

void FileReader::submit_open(Job& job) {
  job.in_flight_ = Operation::kFileOpen;
  ring_.submit_open(job.directory_->get(), job.path_.c_str(), job.how_, Tag{Operation::kFileOpen, job.handle_});
}

FileReader::Job& FileReader::completed(const Completion& completion) {
  Job* job = jobs_.find(completion.tag.slot);
  CHECK(job != nullptr && job->in_flight_ == completion.tag.operation);
  return *job;
}

void FileReader::on_opened(const Completion& completion) {
  Job& job = completed(completion);
  if (completion.result < 0) return finish(job, -completion.result);
  job.fd_ = completion.result;
  if (!job.name_.empty()) {
    job.in_flight_ = Operation::kFileRemove;
    return ring_.submit_remove(job.fd_, job.name_.c_str(), Tag{Operation::kFileRemove, job.handle_});
  }
  if (job.receiver_ == nullptr) return finish(job, ECANCELED);
  job.in_flight_ = Operation::kFileStatus;
  ring_.submit_file_status(RingFile::regular(job.fd_), job.status_, Tag{Operation::kFileStatus, job.handle_});
}

void FileReader::on_status(const Completion& completion) {
  Job& job = completed(completion);
  if (completion.result < 0) return finish(job, -completion.result);
  if (job.receiver_ == nullptr) return finish(job, ECANCELED);
  if (!S_ISREG(job.status_.stx_mode)) return finish(job, EINVAL);
  if (job.status_.stx_size > job.max_bytes_) return finish(job, EFBIG);
  if (!job.receiver_->on_size(job.status_.stx_size)) {
    job.receiver_ = nullptr;
    return finish(job, ECANCELED);
  }
  // Clears O_NONBLOCK, because otherwise the ring would not wait for the disk.
  fcntl(job.fd_, F_SETFL, 0);
  job.contents_.resize(job.status_.stx_size);
  job.contents_.empty() ? finish(job, 0) : submit_read(job);
}

void FileReader::submit_read(Job& job) {
  job.in_flight_ = Operation::kFileRead;
  ring_.submit_read(RingFile::regular(job.fd_), std::span(job.contents_).subspan(job.read_), job.read_,
                    Tag{Operation::kFileRead, job.handle_});
}

void FileReader::on_read(const Completion& completion) {
  Job& job = completed(completion);
  if (completion.result < 0) return finish(job, -completion.result);
  if (job.receiver_ == nullptr) return finish(job, ECANCELED);
  job.read_ += static_cast<std::size_t>(completion.result);
  if (completion.result > 0 && job.read_ < job.contents_.size()) return submit_read(job);
  job.contents_.resize(job.read_);  // it may have shrunk meanwhile
  finish(job, 0);
}

void FileReader::on_removed(const Completion& completion) {
  finish(completed(completion), -completion.result);
}

void FileReader::finish(Job& job, int code) {
  if (job.fd_ >= 0) ring_.submit_close(RingFile::regular(job.fd_), Tag{});
  if (!job.name_.empty() && code != 0) log::warn("an attachment cannot be removed: {}", std::strerror(code));
  FileReceiver* receiver = job.receiver_;
  std::string contents = std::move(job.contents_);
  jobs_.destroy(job, job.handle_);
  if (receiver == nullptr) return;
  if (code != 0) return receiver->on_file(Error::from_errno("cannot read a file", code));
  receiver->on_file(std::move(contents));
}

}  // namespace streaming
