// SPDX-License-Identifier: Apache-2.0
// FakeRing: a Ring whose operations the test completes, when and how it wants. It keeps the submitted operations in
// order.

#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <string>
#include <vector>

#include "ring/ring.h"

namespace streaming {

class FakeRing final : public Ring {
 public:
  struct Submitted {
    Tag tag;
    RingFile file;
    std::string bytes;  // a send's bytes; a connect's address
    short events = 0;   // of a poll
    msghdr* message = nullptr;
    bool waits = true;  // for a message
    int target = -1;  // of a passed file
    Tag arrival;
    std::span<char> room;            // of a read or receive
    struct statx* status = nullptr;  // of a file
  };

  explicit FakeRing(CompletionHandler* handler = nullptr) : handler_(handler) {}
  void set_handler(CompletionHandler& handler) { handler_ = &handler; }

  // The number of operations of this kind that have not completed.
  int count(Operation operation) const {
    int found = 0;
    for (const Submitted& submitted : pending) found += submitted.tag.operation == operation;
    return found;
  }
  // The oldest operation of this kind that has not completed.
  const Submitted& find(Operation operation) const {
    for (const Submitted& submitted : pending) {
      if (submitted.tag.operation == operation) return submitted;
    }
    ADD_FAILURE() << "no operation " << static_cast<int>(operation) << " is pending";
    static const Submitted kNone{Tag{}, RingFile::regular(-1), "", 0, nullptr, true, -1, Tag{}, {}, nullptr};
    return kNone;
  }
  // Completes it with `result`.
  void complete(Operation operation, std::int32_t result, bool more = false, std::span<char> buffer = {}) {
    for (auto submitted = pending.begin(); submitted != pending.end(); ++submitted) {
      if (submitted->tag.operation != operation) continue;
      const Completion completion{submitted->tag, result, more, buffer};
      if (!more) pending.erase(submitted);
      return handler_->on_completion(completion);
    }
    ADD_FAILURE() << "no operation " << static_cast<int>(operation) << " is pending";
  }
  // Completes the whole oldest send and returns its bytes.
  std::string complete_send(Operation operation) {
    std::string bytes = find(operation).bytes;
    complete(operation, static_cast<std::int32_t>(bytes.size()));
    return bytes;
  }
  // Completes the cancelled operations, as the kernel does.
  void complete_cancelled() {
    while (!cancelled.empty()) {
      const Tag target = cancelled.front();
      cancelled.pop_front();
      for (auto submitted = pending.begin(); submitted != pending.end(); ++submitted) {
        if (submitted->tag != target) continue;
        pending.erase(submitted);
        handler_->on_completion(Completion{target, -ECANCELED, false, {}});
        break;
      }
    }
  }

  Status enable() override { return success(); }
  int number() const override { return 100; }
  std::uint64_t lost_completions() const override { return 0; }
  Result<RingFile> adopt(std::uint32_t slot, UniqueFd& fd) override {
    if (adopt_errno != 0) return Error::from_errno("cannot install a file in the ring", adopt_errno);
    EXPECT_TRUE(fd);
    fd.reset();
    adopted.push_back(slot);
    return RingFile::direct(slot);
  }
  RingFile file_of(std::int32_t result) const override {
    return direct_files ? RingFile::direct(static_cast<std::uint32_t>(result)) : RingFile::regular(result);
  }
  void submit_accept(RingFile listener, Tag tag) override { add(tag, listener); }
  void submit_pass_file(RingFile file, int target, Tag arrival, Tag tag) override {
    Submitted& submitted = add(tag, file);
    submitted.target = target;
    submitted.arrival = arrival;
  }
  void submit_receive_message(RingFile file, msghdr& message, bool wait, Tag tag) override {
    Submitted& submitted = add(tag, file);
    submitted.message = &message;
    submitted.waits = wait;
  }
  void submit_connect(RingFile file, const sockaddr& address, socklen_t length, Tag tag) override {
    add(tag, file).bytes.assign(reinterpret_cast<const char*>(&address), length);
  }
  void submit_receive_stream(RingFile file, Tag tag) override { add(tag, file); }
  void submit_receive_available(RingFile file, Tag tag) override { add(tag, file); }
  void submit_send(RingFile file, std::span<const char> bytes, Tag tag) override {
    add(tag, file).bytes.assign(bytes.data(), bytes.size());
  }
  void submit_receive(RingFile file, std::span<char> bytes, Tag tag) override { add(tag, file).room = bytes; }
  void submit_read(RingFile file, std::span<char> bytes, std::uint64_t, Tag tag) override {
    add(tag, file).room = bytes;
  }
  void submit_write(RingFile file, std::span<const char> bytes, std::uint64_t, Tag tag) override {
    add(tag, file).bytes.assign(bytes.data(), bytes.size());
  }
  void submit_sync(RingFile file, Tag tag) override { add(tag, file); }
  void submit_open(int, const char*, const open_how&, Tag tag) override { add(tag, RingFile::regular(-1)); }
  void submit_file_status(RingFile file, struct statx& status, Tag tag) override { add(tag, file).status = &status; }
  void submit_remove(int, const char*, Tag tag) override { add(tag, RingFile::regular(-1)); }
  void submit_poll(RingFile file, short events, Tag tag) override { add(tag, file).events = events; }
  void submit_shutdown_write(RingFile file, Tag tag) override { add(tag, file); }
  void submit_count_unacknowledged(RingFile file, Tag tag) override { add(tag, file); }
  void submit_close(RingFile file, Tag tag) override {
    closed.push_back(file);
    if (tag.operation != Operation::kNone) add(tag, file);
  }
  void submit_cancel(Tag target) override { cancelled.push_back(target); }
  Status wait(std::optional<std::int64_t>) override { return success(); }
  bool dispatch(CompletionHandler&) override { return false; }

  std::deque<Submitted> pending;
  std::deque<Tag> cancelled;
  std::vector<std::uint32_t> adopted;
  std::vector<RingFile> closed;
  int adopt_errno = 0;  // adopt() fails with it
  bool direct_files = true;

 private:
  Submitted& add(Tag tag, RingFile file) {
    pending.push_back(Submitted{tag, file, "", 0, nullptr, true, -1, Tag{}, {}, nullptr});
    return pending.back();
  }

  CompletionHandler* handler_;
};

}  // namespace streaming
