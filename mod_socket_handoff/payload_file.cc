#include "mod_socket_handoff/payload_file.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

namespace socket_handoff {
namespace {

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

UniqueDescriptor make_payload_file(const Payload& payload) {
  UniqueDescriptor file(::memfd_create("socket-handoff", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || !write_all(file.get(), payload.front) || !write_all(file.get(), payload.rest)) return {};
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return {};
  return file;
}

}  // namespace socket_handoff
