// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/http2_server.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace streaming::simulation {
namespace {

nghttp2_nv header_field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

// Each code that there is, and one that there is not.
std::uint32_t any_code(Random& random) {
  return static_cast<std::uint32_t>(random.between(NGHTTP2_NO_ERROR, NGHTTP2_HTTP_1_1_REQUIRED + 1));
}

}  // namespace

// --- The connection -------------------------------------------------------------------------------------------------

Http2Server::Http2Server(HttpService& service, Schedule& schedule, const ServerManners& manners, Random random)
    : service_(service), schedule_(schedule), manners_(manners), random_(random) {
}

Http2Server::~Http2Server() {
  nghttp2_session_del(session_);
}

template <typename Work>
void Http2Server::later(Duration delay, Work work) {
  schedule_.after(delay, [this, work, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired() && connection_ != nullptr) work();
  });
}

void Http2Server::on_open(Connection& connection) {
  connection_ = &connection;
  CHECK(nghttp2_session_server_new(&session_, callbacks(), this) == 0);
  std::vector<nghttp2_settings_entry> settings;
  if (!random_.one_in(4)) settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, random_.pick({1u, 2u, 10u, 100u})});
  if (random_.one_in(4)) settings.push_back({NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, random_.pick({0u, 1u, 500u, 1u << 20})});
  if (random_.one_in(8)) settings.push_back({NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, random_.pick({0u, 64u, 1u << 16})});
  CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
  if (manners_.dead != 0 && random_.one_in(manners_.dead)) {
    silent_ = random_.one_in(3);
    if (!silent_) later(Duration(random_.below(50)), [this] { lose(random_.one_in(2)); });
  }
  if (manners_.mischief != 0 && random_.one_in(manners_.mischief)) {
    mischief_left_ = random_.between(1, 12);
    later(Duration(random_.below(100)), [this] { make_mischief(); });
  }
  // A window of nothing opens some time.
  later(Duration(random_.between(1, 500)), [this] {
    const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65'535};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &window, 1);
    flush();
  });
  flush();
}

void Http2Server::on_bytes(std::string_view bytes) {
  if (connection_ == nullptr || silent_) return;
  const ssize_t read =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (read < 0) return lose(false);
  flush();
}

void Http2Server::on_end_of_file() {
  if (connection_ != nullptr) lose(false);
}

void Http2Server::on_closed(bool) {
  connection_ = nullptr;
  forget_streams();
}

void Http2Server::flush() {
  if (connection_ == nullptr || silent_ || std::exchange(flushing_, true)) return;
  const std::uint8_t* frame = nullptr;
  for (;;) {
    const ssize_t length = nghttp2_session_mem_send(session_, &frame);
    CHECK(length >= 0);
    if (length == 0) break;
    connection_->send({reinterpret_cast<const char*>(frame), static_cast<std::size_t>(length)});
  }
  flushing_ = false;
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) lose(false);
}

// Whatever was sent just now may be lost, a frame in the middle of it among it, and the rest of replies that had ended.
void Http2Server::lose(bool by_reset) {
  for (auto& [id, stream] : streams_) {
    if (stream.reply.watcher != nullptr) std::exchange(stream.reply.watcher, nullptr)->on_broken(true);
  }
  for (ReplyWatcher* watcher : std::exchange(ended_, {})) watcher->on_connection_lost();
  Connection* const connection = std::exchange(connection_, nullptr);
  constexpr std::string_view kBeginningOfAFrame("\0\0\x08\x06", 4);
  if (random_.one_in(3)) connection->send(kBeginningOfAFrame);
  by_reset ? connection->reset() : connection->close();
}

void Http2Server::forget_streams() {
  for (auto& [id, stream] : streams_) {
    if (stream.reply.watcher != nullptr) stream.reply.watcher->on_broken(true);
  }
  streams_.clear();
}

// --- Requests -------------------------------------------------------------------------------------------------------

Http2Server::Stream* Http2Server::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

void Http2Server::on_request(std::int32_t id) {
  Stream* stream = find(id);
  if (stream == nullptr || std::exchange(stream->asked, true)) return;
  stream->request.mishaps = connection_->mishaps();
  if (manners_.cuts != 0 && random_.one_in(2 * manners_.cuts)) return refuse(id);
  later(Duration(random_.one_in(2) ? 0 : random_.below(30)), [this, id] { answer(id); });
}

void Http2Server::refuse(std::int32_t id) {
  Stream& stream = *find(id);
  // The service sees it, so that it is known who was refused.
  stream.served = true;
  stream.reply = service_.reply(stream.request);
  if (stream.reply.watcher != nullptr) stream.reply.watcher->on_refused();
  const std::uint32_t code = random_.one_in(6) ? NGHTTP2_HTTP_1_1_REQUIRED : NGHTTP2_REFUSED_STREAM;
  later(Duration(random_.below(10)), [this, id, code] {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
    flush();
  });
}

void Http2Server::on_stream_closed(std::int32_t id) {
  if (Stream* stream = find(id)) end_reply(*stream, false);
  streams_.erase(id);
}

void Http2Server::end_reply(Stream& stream, bool is_whole) {
  ReplyWatcher* const watcher = std::exchange(stream.reply.watcher, nullptr);
  if (watcher == nullptr) return;
  is_whole ? watcher->on_whole() : watcher->on_broken(false);
  ended_.push_back(watcher);
}

// --- Answers --------------------------------------------------------------------------------------------------------

void Http2Server::answer(std::int32_t id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->served = true;
  stream->reply = service_.reply(stream->request);
  stream->delivery.emplace(stream->reply.body.size(), manners_, random_);
  stream->has_trailers = random_.one_in(8);
  if (stream->delivery->fate() != Delivery::Fate::kWhole && random_.one_in(6)) return end_badly(id, *stream);
  if (random_.one_in(10)) {
    const std::array fields{header_field(":status", "103"), header_field("link", "</x>; rel=preload")};
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, fields.data(), fields.size(), nullptr);
  }
  send_head(id, *stream);
  flush();
  release_more(id);
}

void Http2Server::send_head(std::int32_t id, Stream& stream) {
  const Reply& reply = stream.reply;
  const std::string status = std::to_string(reply.status);
  std::vector<nghttp2_nv> fields{header_field(":status", status)};
  for (const auto& [name, value] : reply.headers) fields.push_back(header_field(name, value));
  const bool ends = reply.body.empty() && stream.delivery->fate() == Delivery::Fate::kWhole && random_.one_in(2);
  nghttp2_data_provider body{};
  body.read_callback = read_body;
  if (reply.watcher != nullptr) reply.watcher->on_head_sent();
  if (ends) end_reply(stream, true);
  CHECK(nghttp2_submit_response(session_, id, fields.data(), fields.size(), ends ? nullptr : &body) == 0);
}

void Http2Server::release_more(std::int32_t id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  if (stream->delivery->left() > 0) stream->ready += stream->delivery->next_part(random_);
  nghttp2_session_resume_data(session_, id);
  flush();
  stream = find(id);
  if (stream == nullptr || connection_ == nullptr) return;
  const Duration pause = stream->delivery->next_pause(random_);
  if (stream->delivery->left() > 0) return later(pause, [this, id] { release_more(id); });
  const Delivery::Fate fate = stream->delivery->fate();
  if (fate == Delivery::Fate::kWhole || fate == Delivery::Fate::kStall) return;
  later(pause, [this, id] {
    if (Stream* still = find(id)) end_badly(id, *still);
  });
}

ssize_t Http2Server::read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* room, std::size_t size,
                               std::uint32_t* flags, nghttp2_data_source*, void* user_data) {
  Http2Server& self = self_of(user_data);
  Stream* stream = self.find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t count = std::min(size, stream->ready - stream->sent);
  const bool ends = stream->delivery->fate() == Delivery::Fate::kWhole && stream->sent + count == stream->reply.body.size();
  // Frames without a byte are allowed, too.
  if (count == 0 && !ends) return NGHTTP2_ERR_DEFERRED;
  std::memcpy(room, stream->reply.body.data() + stream->sent, count);
  stream->sent += count;
  if (stream->reply.watcher != nullptr && count > 0) stream->reply.watcher->on_body_sent(count);
  if (!ends) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  self.end_reply(*stream, true);
  if (!stream->has_trailers) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  const std::array fields{header_field("x-trailer", "yes")};
  nghttp2_submit_trailer(session, id, fields.data(), fields.size());
  return static_cast<ssize_t>(count);
}

void Http2Server::end_badly(std::int32_t id, Stream& stream) {
  if (stream.delivery->fate() == Delivery::Fate::kReset && random_.one_in(3)) return lose(random_.one_in(2));
  end_reply(stream, false);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, any_code(random_));
  flush();
}

// --- Mischief -------------------------------------------------------------------------------------------------------

void Http2Server::make_mischief() {
  switch (random_.below(5)) {
    case 0:
      change_settings();
      break;
    case 1:
      go_away();
      break;
    case 2:
      for (std::uint64_t left = random_.between(1, 50); left > 0; --left) {
        nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
      }
      break;
    case 3:
      if (!streams_.empty()) {
        nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, random_.pick(streams_).first, 1);
      }
      break;
    default:
      silent_ = random_.one_in(4);
      break;
  }
  flush();
  if (--mischief_left_ == 0 || connection_ == nullptr) return;
  later(Duration(random_.between(1, 3000)), [this] { make_mischief(); });
}

void Http2Server::change_settings() {
  const nghttp2_settings_entry setting =
      random_.pick({nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
                    nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1},
                    nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                    nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1},
                    nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20},
                    nghttp2_settings_entry{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0},
                    nghttp2_settings_entry{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 1 << 14},
                    nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1 << 15}});
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &setting, 1);
}

// Streams above the last one were not looked at.
void Http2Server::go_away() {
  std::int32_t last = std::max(nghttp2_session_get_last_proc_stream_id(session_), 0);
  for (auto stream = streams_.rbegin(); stream != streams_.rend() && !stream->second.served; ++stream) {
    if (random_.one_in(2)) last = std::max(stream->first - 2, 0);
  }
  if (random_.one_in(4)) last = std::numeric_limits<std::int32_t>::max();
  const std::uint32_t code = random_.one_in(4) ? any_code(random_) : std::uint32_t{NGHTTP2_NO_ERROR};
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, code, nullptr, 0);
}

// --- nghttp2 --------------------------------------------------------------------------------------------------------

nghttp2_session_callbacks* Http2Server::callbacks() {
  static nghttp2_session_callbacks* const shared = [] {
    nghttp2_session_callbacks* made = nullptr;
    CHECK(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_header_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_length,
                 const std::uint8_t* value, std::size_t value_length, std::uint8_t, void* user_data) {
          Http2Server& self = self_of(user_data);
          const std::string key(reinterpret_cast<const char*>(name), name_length);
          const std::string text(reinterpret_cast<const char*>(value), value_length);
          Stream& stream = self.streams_[frame->hd.stream_id];
          if (key == ":path") stream.request.path = text;
          if (key == ":method") stream.request.method = text;
          stream.request.headers.emplace(key, text);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t length,
                 void* user_data) {
          if (Stream* stream = self_of(user_data).find(id)) {
            stream->request.body.append(reinterpret_cast<const char*>(bytes), length);
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
          Http2Server& self = self_of(user_data);
          const bool is_part = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
          if (!is_part) return 0;
          const bool whole = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
          const bool early = frame->hd.type == NGHTTP2_DATA && self.manners_.early != 0 &&
                             self.random_.one_in(self.manners_.early);
          if (whole || early) self.on_request(frame->hd.stream_id);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* user_data) {
          self_of(user_data).on_stream_closed(id);
          return 0;
        });
    return made;
  }();
  return shared;
}

}  // namespace streaming::simulation
