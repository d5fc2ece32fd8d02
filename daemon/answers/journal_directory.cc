// SPDX-License-Identifier: Apache-2.0
#include "answers/journal_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/random_id.h"

namespace streaming {
namespace {

constexpr char kLockName[] = "lock";
constexpr std::string_view kLivePrefix = "process.";
constexpr std::string_view kNewPrefix = "new.";

Error cannot(const std::string& what, const std::string& path) {
  return Error::from_errno("cannot " + what + " " + path + " (answers.journal_dir)", errno);
}

// Who can make a directory in it has the daemon sign and send what is there.
Status check_rights(const struct stat& status, const std::string& path) {
  if ((status.st_mode & S_IWOTH) == 0) return success();
  return Error{"every user of this system can write to " + path +
               " (answers.journal_dir), and so have reports sent; take that right from others: chmod o-w"};
}

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                                                    &closedir);
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end(), [](const std::string& left, const std::string& right) {
    return std::pair(left.size(), left) < std::pair(right.size(), right);  // numbers in their order
  });
  return names;
}

Result<std::string> contents_of(int directory, const std::string& name) {
  const UniqueFd file(openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) return Error::from_errno("cannot read " + name, errno);
  std::string contents(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t read_bytes = 0;
  while (read_bytes < contents.size()) {
    const ssize_t got = read(file.get(), contents.data() + read_bytes, contents.size() - read_bytes);
    if (got < 0) return Error::from_errno("cannot read " + name, errno);
    if (got == 0) break;
    read_bytes += static_cast<std::size_t>(got);
  }
  contents.resize(read_bytes);
  return contents;
}

Status write_whole(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return Error::from_errno("cannot write", errno);
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return success();
}

}  // namespace

Result<JournalDirectory> JournalDirectory::open(const std::string& path) {
  JournalDirectory directory;
  directory.path_ = path;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return cannot("make the directory", path);
  directory.all_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (!directory.all_ || fstat(directory.all_.get(), &status) != 0) return cannot("open the directory", path);
  if (Status checked = check_rights(status, path); !checked) return checked.error();
  if (Status made = directory.make_own(); !made) return made.error();
  return directory;
}

Status JournalDirectory::check(const std::string& path) {
  const bool is_there = access(path.c_str(), F_OK) == 0;
  const std::size_t slash = path.substr(0, path.find_last_not_of('/') + 1).rfind('/');
  const std::string place = is_there ? path : slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (access(place.c_str(), W_OK | X_OK) != 0) return cannot(is_there ? "write to" : "make the directory", path);
  struct stat status {};
  const bool is_directory = stat(place.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  if (!is_directory) return Error{place + " is no directory (answers.journal_dir)"};
  return is_there ? check_rights(status, path) : success();
}

// It gets its name when its lock is held, so that nobody takes it for one whose process has ended.
Status JournalDirectory::make_own() {
  const std::string id = random_id();
  const std::string fresh = std::string(kNewPrefix) + id;
  own_name_ = std::string(kLivePrefix) + id;
  if (mkdirat(all_.get(), fresh.c_str(), 0700) != 0) return cannot("make a directory in", path_);
  own_ = UniqueFd(openat(all_.get(), fresh.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  lock_ = UniqueFd(openat(own_.get(), kLockName, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!own_ || !lock_) return cannot("make a file in", path_);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) return cannot("lock a file in", path_);
  if (renameat(all_.get(), fresh.c_str(), all_.get(), own_name_.c_str()) != 0) return cannot("rename a directory in", path_);
  fsync(all_.get());
  return success();
}

std::optional<AdoptedJournal> JournalDirectory::adopt_next(const std::stop_token& stop) {
  for (const std::string& name : names_in(all_.get())) {
    if (!name.starts_with(kLivePrefix) || name == own_name_) continue;
    const UniqueFd directory(openat(all_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    const UniqueFd lock(directory ? openat(directory.get(), kLockName, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1);
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (std::optional<AdoptedJournal> adopted = adopt(name, directory, stop)) return adopted;
  }
  return std::nullopt;
}

std::optional<AdoptedJournal> JournalDirectory::adopt(const std::string& name, const UniqueFd& directory,
                                                      const std::stop_token& stop) {
  JournalLedger ledger;
  const std::vector<std::string> files = names_in(directory.get());
  for (const std::string& file : files) {
    if (stop.stop_requested()) return std::nullopt;
    const Result<std::string> contents = contents_of(directory.get(), file);
    if (!contents) {
      log::error("{}/{}: {}; what it has is not delivered now", path_, name, contents.error().message);
      return std::nullopt;
    }
    FrameReader reader(contents.value());
    while (const std::optional<Frame> frame = reader.next()) ledger.add(*frame);
  }
  std::vector<LeftReport> reports = ledger.take();
  const std::size_t count = reports.size();
  const auto cut = std::count_if(reports.begin(), reports.end(), [](const LeftReport& report) { return report.was_running; });
  std::optional<AdoptedJournal> adopted;
  if (count > 0) {
    Result<AdoptedJournal> written = write_down(std::move(reports));
    if (!written) {
      log::error("{}: {}; {} reports of {} are not delivered now", path_, written.error().message, count, name);
      return std::nullopt;
    }
    log::info("{} reports of answers that another process has left are delivered; {} of the answers were running", count, cut);
    adopted = std::move(*written);
  }
  for (const std::string& file : files) {
    if (file != kLockName) unlinkat(directory.get(), file.c_str(), 0);
  }
  unlinkat(directory.get(), kLockName, 0);
  unlinkat(all_.get(), name.c_str(), AT_REMOVEDIR);
  return adopted;
}

Status JournalDirectory::leave(std::vector<LeftReport> reports) {
  Result<AdoptedJournal> written = write_down(std::move(reports));
  return written ? success() : Status(written.error());
}

Result<AdoptedJournal> JournalDirectory::write_down(std::vector<LeftReport> reports) {
  AdoptedJournal journal;
  journal.name = "adopted." + std::to_string(adopted_++);
  journal.file = UniqueFd(openat(own_.get(), journal.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!journal.file) return Error::from_errno("cannot make a file", errno);
  std::string frame;
  for (const LeftReport& report : reports) {
    frame.clear();
    append_report(frame, report.id,
                  {.failures = report.failures, .due = report.due, .hook = report.hook, .body = report.body});
    if (Status written = write_whole(journal.file.get(), frame); !written) {
      unlinkat(own_.get(), journal.name.c_str(), 0);
      return written.error();
    }
    journal.reports.push_back({.id = report.id,
                               .hook = report.hook,
                               .offset = journal.bytes,
                               .bytes = static_cast<std::uint32_t>(frame.size()),
                               .due = report.due,
                               .was_running = report.was_running});
    journal.bytes += frame.size();
  }
  if (fdatasync(journal.file.get()) != 0 || fsync(own_.get()) != 0) return Error::from_errno("cannot sync a file", errno);
  return journal;
}

}  // namespace streaming
