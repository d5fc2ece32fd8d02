// SPDX-License-Identifier: Apache-2.0
#include "simulation/plain_clients.h"

#include <string>
#include <utility>
#include <vector>

namespace streaming::simulation {
namespace {

class PlainClient final : public Peer, public HandoffPeer {
 public:
  PlainClient(Kernel& kernel, int number) : kernel_(kernel), number_(number) {}

  void begin() { kernel_.hand_over(*this); }
  bool has_ended() const { return ended_; }
  bool got_answer() const { return answer_.ends_with("0\r\n\r\n") || answer_.starts_with("HTTP/1.1 4") || answer_.starts_with("HTTP/1.1 5"); }
  bool was_refused() const { return refused_; }
  std::string complaint() const {
    if (!ended_ || refused_ || got_answer() || broken_) return {};
    return "client " + std::to_string(number_) + " got " + std::to_string(answer_.size()) + " bytes, and neither an end nor a refusal";
  }
  void set_broken() { broken_ = true; }

 private:
  // Apache's side.
  void on_open(HandoffConnection& connection) override {
    apache_ = &connection;
    connection.send(R"({"prompt":"hello","apache":{"protocol":"HTTP/1.1"}})", {HandedFile{.kind = HandedFile::Kind::kTcp, .peer = this}});
  }
  void on_refused() override { refuse(); }
  void on_message(std::string_view message) override {
    kernel_.coverage.count("reply", message.substr(0, 1));
    if (message != "A" && message.substr(0, 1) != "\x01") refuse();
    accepted_ = true;
    close_apache();
  }
  void on_end_of_file(bool) override {
    if (!accepted_) refuse();
    close_apache();
  }
  void on_closed() override { apache_ = nullptr; }
  void close_apache() {
    if (apache_ == nullptr) return;
    apache_->forget_files();
    apache_->close();
  }
  void refuse() {
    refused_ = true;
    if (client_ == nullptr) ended_ = true;
    if (client_ != nullptr) client_->close();
  }

  // The client's side.
  void on_open(Connection& connection) override { client_ = &connection; }
  void on_bytes(std::string_view bytes) override { answer_.append(bytes); }
  void on_end_of_file() override { client_->close(); }
  void on_closed(bool reset) override {
    client_ = nullptr;
    ended_ = true;
    broken_ = broken_ || reset;
  }

  Kernel& kernel_;
  const int number_;
  HandoffConnection* apache_ = nullptr;
  Connection* client_ = nullptr;
  std::string answer_;
  bool accepted_ = false;
  bool refused_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

class PlainClients final : public Inhabitants {
 public:
  PlainClients(Kernel& kernel, Random random) : kernel_(kernel) {
    const auto count = random.between(1, 100);
    for (std::uint64_t i = 0; i < count; ++i) {
      clients_.push_back(std::make_unique<PlainClient>(kernel, static_cast<int>(i)));
      starts_.push_back(Duration(static_cast<std::int64_t>(random.below(3000))));
    }
  }

  void begin() override {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      kernel_.scheduler.after(starts_[i], [client = clients_[i].get()] { client->begin(); });
    }
  }
  std::size_t waiting() const override {
    std::size_t waiting = 0;
    for (const auto& client : clients_) waiting += !client->has_ended();
    return waiting;
  }
  std::string complaint() const override {
    for (const auto& client : clients_) {
      if (std::string complaint = client->complaint(); !complaint.empty()) return complaint;
    }
    return {};
  }
  void on_crash() override {
    for (const auto& client : clients_) client->set_broken();
  }

 private:
  Kernel& kernel_;
  std::vector<std::unique_ptr<PlainClient>> clients_;
  std::vector<Duration> starts_;
};

}  // namespace

std::unique_ptr<Inhabitants> make_plain_clients(Kernel& kernel, Random random) {
  return std::make_unique<PlainClients>(kernel, random);
}

}  // namespace streaming::simulation
