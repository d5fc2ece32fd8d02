// SPDX-License-Identifier: Apache-2.0
// Http2Server: a server's end of a connection that speaks HTTP/2, by nghttp2, with what the protocol allows at any time:
// settings that change, streams that are refused or reset, GOAWAY, pings, windows that are small.
//
// The world's, from the connection's beginning to its end. Borrows all.

#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/upstreams/delivery.h"
#include "simulation/upstreams/http_service.h"
#include "simulation/peer.h"
#include "simulation/random.h"

namespace streaming::simulation {

class Http2Server final : public Peer {
 public:
  Http2Server(HttpService& service, Schedule& schedule, const ServerManners& manners, Random random);
  ~Http2Server() override;

  void on_open(Connection& connection) override;
  void on_bytes(std::string_view bytes) override;
  void on_end_of_file() override;
  void on_closed(bool reset) override;

 private:
  struct Stream {
    ServedRequest request;
    bool asked = false;   // the request has come, as far as is needed
    bool served = false;  // the service has seen it
    Reply reply = {};
    std::optional<Delivery> delivery = {};
    std::size_t ready = 0;  // of the body, that may be sent
    std::size_t sent = 0;
    bool has_trailers = false;
  };

  static nghttp2_session_callbacks* callbacks();
  static Http2Server& self_of(void* user_data) { return *static_cast<Http2Server*>(user_data); }
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* room, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source*, void* user_data);

  Stream* find(std::int32_t id);
  void on_request(std::int32_t id);
  void on_stream_closed(std::int32_t id);
  void refuse(std::int32_t id);
  void answer(std::int32_t id);
  void send_head(std::int32_t id, Stream& stream);
  void release_more(std::int32_t id);
  void end_badly(std::int32_t id, Stream& stream);
  void end_reply(Stream& stream, bool is_whole);
  void send_trailers(std::int32_t id);

  // Something that the protocol allows at any time.
  void make_mischief();
  void change_settings();
  void go_away();

  void flush();
  void lose(bool by_reset);
  void forget_streams();
  template <typename Work>
  void later(Duration delay, Work work);

  HttpService& service_;
  Schedule& schedule_;
  const ServerManners manners_;
  Random random_;
  Connection* connection_ = nullptr;  // null: it has ended
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::vector<ReplyWatcher*> ended_;  // of replies that were sent, of which the connection may still lose some
  std::uint64_t mischief_left_ = 0;
  bool silent_ = false;  // sends nothing any more
  bool flushing_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace streaming::simulation
