// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/control_data.h"

#include <algorithm>
#include <cstring>

#include "simulation/world/handoff_socket.h"

namespace streaming::simulation {
namespace {

// One part of it behind the others, as far as there is room.
class ControlWriter {
 public:
  explicit ControlWriter(msghdr& message) : data_(static_cast<char*>(message.msg_control)), room_(message.msg_controllen) {}

  bool fits(std::size_t bytes) const { return used_ + CMSG_LEN(bytes) <= room_; }
  std::size_t used() const { return used_; }
  void put(int type, const void* content, std::size_t bytes) {
    cmsghdr header{};
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(bytes);
    std::memcpy(data_ + used_, &header, sizeof header);
    std::memcpy(data_ + used_ + CMSG_LEN(0), content, bytes);
    used_ = std::min(room_, used_ + CMSG_SPACE(bytes));
  }

 private:
  char* const data_;
  const std::size_t room_;
  std::size_t used_ = 0;
};

int install(ProcessFiles& process, const std::shared_ptr<File>& file) {
  const auto* const real = dynamic_cast<const RealFile*>(file.get());
  return real != nullptr ? real->copy() : process.add(file);
}

}  // namespace

void put_control_data(ProcessFiles& process, msghdr& message, std::vector<std::shared_ptr<File>> files,
                      bool with_credentials) {
  constexpr ucred kSender{.pid = 1000, .uid = 33, .gid = 33};
  ControlWriter writer(message);
  if (with_credentials && writer.fits(sizeof kSender)) writer.put(SCM_CREDENTIALS, &kSender, sizeof kSender);
  std::vector<int> numbers;
  for (const std::shared_ptr<File>& file : files) {
    const int fd = writer.fits((numbers.size() + 1) * sizeof(int)) ? install(process, file) : -1;
    if (fd < 0) {
      message.msg_flags |= MSG_CTRUNC;
      break;
    }
    numbers.push_back(fd);
  }
  if (!numbers.empty()) writer.put(SCM_RIGHTS, numbers.data(), numbers.size() * sizeof(int));
  message.msg_controllen = writer.used();
}

std::shared_ptr<File> sent_file(const ProcessFiles& process, const msghdr& message) {
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return nullptr;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return process.find(fd);
}

}  // namespace streaming::simulation
