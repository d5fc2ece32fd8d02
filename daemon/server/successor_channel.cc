// SPDX-License-Identifier: Apache-2.0
#include "server/successor_channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "handoff/handoff_message.h"
#include "server/limits.h"

namespace streaming {

int SuccessorChannel::descriptor() const {
  return waiting_.size() < kMaxSuccessorHandoffsWaiting ? channel_.get() : -1;
}

bool SuccessorChannel::read() {
  for (int count = 0; count < kSuccessorHandoffsAtOnce && descriptor() >= 0; ++count) {
    const Found found = read_one();
    if (found != Found::kQuestion) return found == Found::kNothing;
  }
  return true;
}

SuccessorChannel::Found SuccessorChannel::read_one() {
  std::array<char, handoff_protocol::kMaxMessageBytes> payload;
  alignas(cmsghdr) char control[kControlBytes];
  iovec data{payload.data(), payload.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t bytes = recvmsg(channel_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (bytes == 0) return Found::kEnd;
  if (bytes < 0) return errno == EINTR ? Found::kQuestion : Found::kNothing;
  Result<HandedOver> handed_over = take_descriptors(message);
  if (!handed_over) return Found::kQuestion;
  Result<std::unique_ptr<HandoffRequest>> request =
      HandoffRequestParser().parse(std::span<const char>(payload.data(), static_cast<std::size_t>(bytes)));
  if (!request || (*request)->answer_id.empty()) return Found::kQuestion;
  handed_over->client.transport = Transport::kRelayed;
  (*request)->for_successor = true;
  answer({std::move(handed_over->client), std::move(*request)});
  return Found::kQuestion;
}

void SuccessorChannel::answer(Question question) {
  if (workforce_.give_for_successor(question.client, question.request)) return;
  if (!workforce_.settled()) return waiting_.push_back(std::move(question));
  workforce_.ask_predecessor_for_successor(std::move(question.client), std::move(question.request));
}

void SuccessorChannel::on_settled() {
  if (!workforce_.settled()) return;
  for (Question& question : std::exchange(waiting_, {})) answer(std::move(question));
}

}  // namespace streaming
