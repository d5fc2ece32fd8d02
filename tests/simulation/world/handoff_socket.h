// SPDX-License-Identifier: Apache-2.0
// ListeningSocket: the daemons' Unix socket for hand-offs. HandoffSocket: the daemon's end of a connection to it, and
// HandoffLink: the connection, with the messages in both directions and the files that came with them.
//
// SOCK_SEQPACKET or SOCK_STREAM. The kernel keeps a HandoffLink until its peer has been told of its end.

#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "simulation/world/file.h"
#include "simulation/handoff_peer.h"
#include "simulation/world/kernel.h"

namespace streaming::simulation {

class HandoffSocket;

// A file of the real kernel that comes with a message. Who receives it gets a descriptor of the real kernel.
class RealFile final : public File {
 public:
  explicit RealFile(UniqueFd fd) : fd_(std::move(fd)) {}
  // A new descriptor, or -1.
  int copy() const;

 private:
  const UniqueFd fd_;
};

// A file that is no stream connection.
class OtherFile final : public File {
 public:
  OtherFile(int type, bool listens) : type_(type), listens_(listens) {}
  std::int64_t set_option(int, int, const void*, socklen_t) override { return type_ == 0 ? -ENOTSOCK : 0; }
  std::int64_t option(int level, int option, void* value, socklen_t& length) override;

 private:
  const int type_;  // SOCK_DGRAM, SOCK_STREAM; 0: no socket
  const bool listens_;
};

class HandoffLink final : public HandoffConnection, public std::enable_shared_from_this<HandoffLink> {
 public:
  HandoffLink(Kernel& kernel, HandoffPeer& peer, int type)
      : kernel_(kernel), peer_(peer), type_(type), number_(kernel.next_number()) {}

  void send(std::string_view bytes, std::vector<HandedFile> files) override;
  void forget_files() override { own_files_.clear(); }
  void shutdown_write() override;
  void close() override;
  void set_reading(bool reading) override;
  Mishaps mishaps() const override { return mishaps_; }
  void note_dropped() { mishaps_.was_dropped = true; }
  void note_killed() { mishaps_.was_killed = true; }

  std::uint32_t number() const { return number_; }
  HandoffPeer& peer() { return peer_; }
  // The daemon has closed its end, or nobody has accepted it.
  void close_daemon_end();

 private:
  friend class HandoffSocket;

  struct Message {
    std::string bytes;
    std::size_t taken = 0;
    std::vector<std::shared_ptr<File>> files;
  };

  std::shared_ptr<File> make_file(const HandedFile& file);
  void notify_daemon();
  void hand_later();
  void hand_to_peer();

  Kernel& kernel_;
  HandoffPeer& peer_;
  const int type_;
  const std::uint32_t number_;
  HandoffSocket* socket_ = nullptr;  // null until it is accepted, and after its end
  std::deque<Message> to_daemon_;
  std::deque<std::string> to_peer_;
  std::vector<std::shared_ptr<File>> own_files_;  // the sender's
  Mishaps mishaps_;
  bool reading_ = true;
  bool shut_ = false;           // the peer sends no more
  bool peer_closed_ = false;
  bool peer_at_end_ = false;    // on_end_of_file() was called
  bool daemon_closed_ = false;
  bool unread_ = false;         // the daemon closed with messages unread
  bool handing_ = false;        // hand_to_peer() is scheduled
  bool told_ = false;           // on_closed() was called
};

class HandoffSocket final : public File {
 public:
  HandoffSocket(Kernel& kernel, std::shared_ptr<HandoffLink> link);
  ~HandoffSocket() override;

  void note_dropped() override { link_->note_dropped(); }
  void note_killed() override { link_->note_killed(); }
  short events() const override;
  std::int64_t send(std::span<const char> bytes) override;
  std::int64_t receive_message(std::span<char> room, msghdr& message) override;
  std::size_t receivable() const override { return link_->to_daemon_.size(); }
  std::int64_t set_option(int, int, const void*, socklen_t) override { return 0; }
  std::int64_t option(int level, int option, void* value, socklen_t& length) override;

 private:
  friend class HandoffLink;

  Kernel& kernel_;
  const std::shared_ptr<HandoffLink> link_;
  int error_ = 0;
  bool early_end_reported_ = false;
};

class ListeningSocket final : public File, public std::enable_shared_from_this<ListeningSocket> {
 public:
  ListeningSocket(Kernel& kernel, int type, std::size_t backlog) : kernel_(kernel), type_(type), backlog_(backlog) {}
  ~ListeningSocket() override { close_waiting(); }

  // False if the peer is refused.
  bool connect(HandoffPeer& peer);

  short events() const override;
  std::shared_ptr<File> accept(int& error) override;
  std::int64_t shutdown(int how) override;
  std::int64_t set_option(int, int, const void*, socklen_t) override { return 0; }
  std::int64_t option(int level, int option, void* value, socklen_t& length) override;

 private:
  void close_waiting();

  Kernel& kernel_;
  const int type_;
  const std::size_t backlog_;
  bool shut_ = false;
  std::deque<std::shared_ptr<HandoffLink>> waiting_;
};

}  // namespace streaming::simulation
