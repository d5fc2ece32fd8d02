// The sockets that X-Socket-Handoff names: one path, or several with commas in between, to be tried in that order.
// Pure.

#pragma once

#include <cstddef>
#include <span>

namespace socket_handoff {

class SocketList {
 public:
  static constexpr std::size_t kMaxSockets = 16;

  // Cuts `text` up in place; it must live as long as the list. An empty text is a list of one empty path.
  explicit SocketList(char* text);

  std::span<const char* const> paths() const { return {paths_, size_}; }
  bool is_too_long() const { return is_too_long_; }  // and holds only the first ones

 private:
  void add(const char* path);

  const char* paths_[kMaxSockets];
  std::size_t size_ = 0;
  bool is_too_long_ = false;
};

}  // namespace socket_handoff
