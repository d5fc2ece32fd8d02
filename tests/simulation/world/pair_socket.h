// SPDX-License-Identifier: Apache-2.0
// PairSocket: one end of a pair of Unix sockets between two daemons: the channel of an upgrade, and the connections on
// which the new daemon reads the old one's kept answers.
//
// SOCK_STREAM, or SOCK_SEQPACKET with the descriptors that come with its messages.

#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "simulation/world/file.h"
#include "simulation/world/kernel.h"

namespace streaming::simulation {

class PairSocket final : public File {
 public:
  // Connects two of them.
  static std::pair<std::shared_ptr<PairSocket>, std::shared_ptr<PairSocket>> make(Kernel& kernel, int type);

  PairSocket(Kernel& kernel, int type) : kernel_(kernel), type_(type) {}
  ~PairSocket() override;

  short events() const override;
  std::int64_t send(std::span<const char> bytes) override { return send_message(bytes, nullptr); }
  std::int64_t receive(std::span<char> room) override;
  std::size_t receivable() const override;
  // With the file, if there is one.
  std::int64_t send_message(std::span<const char> bytes, std::shared_ptr<File> file);
  std::int64_t receive_message(std::span<char> room, msghdr& message) override;
  std::int64_t shutdown(int how) override;
  std::int64_t unacknowledged() override;
  std::int64_t set_option(int level, int option, const void* value, socklen_t length) override;
  std::int64_t option(int level, int option, void* value, socklen_t& length) override;

 private:
  struct Message {
    std::string bytes;
    std::shared_ptr<File> file;
  };

  std::size_t queued() const;

  Kernel& kernel_;
  const int type_;
  std::weak_ptr<PairSocket> peer_;
  std::deque<Message> received_;
  bool at_end_ = false;  // the other end sends no more
  bool shut_ = false;    // this one does not
  int error_ = 0;
};

}  // namespace streaming::simulation
