// SPDX-License-Identifier: Apache-2.0
// Http1Server: a server's end of a connection that speaks HTTP/1.1, in every way that HTTP/1.1 allows, and in some that it
// does not.
//
// The world's, from the connection's beginning to its end. Borrows all.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "simulation/upstreams/delivery.h"
#include "simulation/upstreams/http_service.h"
#include "simulation/peer.h"
#include "simulation/random.h"

namespace streaming::simulation {

class Http1Server final : public Peer {
 public:
  Http1Server(HttpService& service, Schedule& schedule, const ServerManners& manners, Random random);

  void on_open(Connection& connection) override;
  void on_bytes(std::string_view bytes) override;
  void on_end_of_file() override;
  void on_closed(bool reset) override;

 private:
  enum class Framing : std::uint8_t { kLength, kChunked, kToTheEnd };

  // An answer as it is on the wire.
  struct Wire {
    std::string bytes;
    std::string is_body;  // for each of them, 1 if it is the body's
    std::size_t head = 0;

    void add(std::string_view text, bool body = false) {
      bytes.append(text);
      is_body.append(text.size(), static_cast<char>(body));
    }
  };

  // The first request of what has come; nothing if it is not complete. `early`: its head is enough.
  std::optional<ServedRequest> take_request(bool early);
  void serve_next();
  void begin_answer(const ServedRequest& request);
  Wire write_answer(const Reply& reply, Framing framing);
  static void write_chunks(std::string_view body, Wire& wire, Random& random);
  void send_next();
  void note_sent(std::size_t from, std::size_t to);
  void end_answer();
  void break_off(bool resets);
  // Runs it later, if the connection is still there.
  template <typename Work>
  void later(Duration delay, Work work);

  HttpService& service_;
  Schedule& schedule_;
  const ServerManners manners_;
  Random random_;
  const bool answers_early_;
  Connection* connection_ = nullptr;  // null: it has ended
  std::string received_;
  std::size_t unread_ = 0;  // of a request that was answered early
  bool answering_ = false;
  bool dies_ = false;  // breaks off its connection, at any time
  bool closes_ = false;    // after the answer
  // The answer that is being sent.
  Framing framing_ = Framing::kLength;
  Wire wire_;
  std::size_t sent_ = 0;
  std::optional<Delivery> delivery_;
  ReplyWatcher* watcher_ = nullptr;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace streaming::simulation
