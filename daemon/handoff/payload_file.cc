// SPDX-License-Identifier: Apache-2.0
#include "handoff/payload_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/json_input.h"

namespace streaming {

Result<PayloadFile> PayloadFile::map(UniqueFd file, std::size_t max_bytes) {
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = fcntl(file.get(), F_GET_SEALS);
  if (seals < 0) return Error{"the payload's descriptor is not a memfd"};
  if ((seals & kSeals) != kSeals)
    return Error{"the payload's memfd is not sealed against writing, shrinking and growing"};

  struct stat status {};
  if (fstat(file.get(), &status) != 0) return Error::from_errno("cannot read the size of the payload's memfd", errno);
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes == 0) return Error{"the payload's memfd is empty"};
  if (bytes > max_bytes) return Error{"the payload is larger than " + std::to_string(max_bytes) + " bytes", EFBIG};

  // Anonymous pages first, then the file over them: so there is padding even behind a file that fills its last page.
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t mapped_bytes = (bytes + kJsonPadding + page - 1) / page * page;
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  void* memory = mmap(nullptr, mapped_bytes, kProtection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return Error::from_errno("cannot map the payload", errno);
  if (mmap(memory, bytes, kProtection, MAP_PRIVATE | MAP_FIXED, file.get(), 0) == MAP_FAILED) {
    const Error error = Error::from_errno("cannot map the payload", errno);
    munmap(memory, mapped_bytes);
    return error;
  }
  return PayloadFile(static_cast<char*>(memory), bytes, mapped_bytes);
}

PayloadFile::PayloadFile(PayloadFile&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_), mapped_bytes_(other.mapped_bytes_) {
}

PayloadFile::~PayloadFile() {
  if (memory_ != nullptr) munmap(memory_, mapped_bytes_);
}

}  // namespace streaming
