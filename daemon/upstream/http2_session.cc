// SPDX-License-Identifier: Apache-2.0
#include "upstream/http2_session.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>
#include <vector>

#include "base/check.h"
#include "upstream/limits.h"
#include "upstream/url.h"

namespace streaming {
namespace {

Http2Session& self_of(void* user_data) {
  return *static_cast<Http2Session*>(user_data);
}

// The request's head as HTTP/2 has it. The texts are the request's, or are kept here.
class RequestHead {
 public:
  explicit RequestHead(const HttpRequest& request) {
    const std::optional<Url> url = parse_url(request.url);
    CHECK(url);
    add(":method", "POST");
    add(":scheme", url->tls ? "https" : "http");
    add(":authority", url->authority);
    add(":path", url->path);
    lower_case_names_.reserve(request.headers.size());
    for (const std::string& line : request.headers) add_line(line);
    const auto [end, error] = std::to_chars(length_.data(), length_.data() + length_.size(), request.body.size());
    add("content-length", {length_.data(), static_cast<std::size_t>(end - length_.data())});
  }

  const std::vector<nghttp2_nv>& fields() const { return fields_; }
  // nghttp2 ends the connection over one that is too large.
  bool fits() const { return bytes_ <= kMaxRequestHeadBytes; }

 private:
  void add(std::string_view name, std::string_view value) {
    auto* const name_bytes = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
    auto* const value_bytes = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
    fields_.push_back({name_bytes, value_bytes, name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    constexpr std::size_t kOverhead = 32;
    bytes_ += name.size() + value.size() + kOverhead;
  }
  void add_line(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string& name = lower_case_names_.emplace_back(line.substr(0, colon));
    for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    add(name, value);
  }

  std::vector<nghttp2_nv> fields_;
  std::vector<std::string> lower_case_names_;
  std::array<char, 24> length_{};
  std::size_t bytes_ = 0;
};

}  // namespace

// --- nghttp2 --------------------------------------------------------------------------------------------------------

const nghttp2_session_callbacks* Http2Session::callbacks() {
  static const nghttp2_session_callbacks* const shared = [] {
    nghttp2_session_callbacks* made = nullptr;
    CHECK(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_header_callback(made, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, on_frame_sent);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_body);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, on_stream_close);
    return made;
  }();
  return shared;
}

const nghttp2_option* Http2Session::options() {
  static const nghttp2_option* const shared = [] {
    nghttp2_option* made = nullptr;
    CHECK(nghttp2_option_new(&made) == 0);
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_no_closed_streams(made, 1);
    return made;
  }();
  return shared;
}

Http2Session::Http2Session(Http2SessionOwner& owner, TimerWheel& timers) : owner_(owner), timers_(timers) {
  CHECK(nghttp2_session_client_new2(&session_, callbacks(), this, options()) == 0);
  const std::array settings{nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                            nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kUpstreamStreamWindowBytes}};
  CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
  CHECK(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kUpstreamConnectionWindowBytes) == 0);
}

Http2Session::~Http2Session() {
  CHECK(carried_.empty());
  nghttp2_session_del(session_);
}

Status Http2Session::receive(std::span<const char> bytes) {
  const ssize_t result =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (result >= 0) return success();
  return Error{"HTTP/2: " + std::string(nghttp2_strerror(static_cast<int>(result)))};
}

std::string_view Http2Session::next_output() {
  const std::uint8_t* bytes = nullptr;
  const ssize_t length = nghttp2_session_mem_send(session_, &bytes);
  // It fails only if there is no memory.
  CHECK(length >= 0);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

int Http2Session::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_length, const std::uint8_t* value, std::size_t value_length, std::uint8_t,
                            void* user_data) {
  Http2Stream* stream = self_of(user_data).find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  const bool fits = stream->on_header({reinterpret_cast<const char*>(name), name_length},
                                      {reinterpret_cast<const char*>(value), value_length});
  return fits ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Http2Session::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  Http2Session& self = self_of(user_data);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (!std::exchange(self.answered_, true)) self.owner_.on_first_answer();
      [[fallthrough]];
    case NGHTTP2_DATA:
      self.on_stream_frame(*frame);
      break;
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) break;
      self.settings_known_ = true;
      self.owner_.on_settings();
      break;
    case NGHTTP2_GOAWAY:
      self.owner_.on_going_away(frame->goaway.last_stream_id > 0);
      break;
    default:
      break;
  }
  return 0;
}

void Http2Session::on_stream_frame(const nghttp2_frame& frame) {
  const std::int32_t id = frame.hd.stream_id;
  Http2Stream* stream = find(id);
  if (stream == nullptr) return;
  const bool ended = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (ended) {
    stream->on_end();
    // The answer came before the whole request was sent: the rest is not needed.
    if (!stream->body_sent()) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  if (frame.hd.type == NGHTTP2_HEADERS) stream->on_head_complete();
}

int Http2Session::on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  if (Http2Stream* stream = self_of(user_data).find(frame->hd.stream_id)) stream->set_head_written();
  return 0;
}

int Http2Session::on_body(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                          std::size_t length, void* user_data) {
  Http2Session& self = self_of(user_data);
  nghttp2_session_consume_connection(session, length);
  // Bytes of a dropped stream are not acknowledged, so that at most a window of them arrives.
  Http2Stream* stream = self.find(id);
  if (stream == nullptr) return 0;
  if (stream->takes_body()) nghttp2_session_consume_stream(session, id, length);
  stream->on_body({reinterpret_cast<const char*>(bytes), length});
  return 0;
}

int Http2Session::on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user_data) {
  Http2Session& self = self_of(user_data);
  CHECK(self.streams_ > 0);
  --self.streams_;
  if (Http2Stream* stream = self.find(id)) self.on_closed(*stream, code);
  self.owner_.on_stream_closed();
  return 0;
}

ssize_t Http2Session::read_body(nghttp2_session*, std::int32_t id, std::uint8_t* room, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source*, void* user_data) {
  Http2Stream* stream = self_of(user_data).find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t count = stream->read_body({reinterpret_cast<char*>(room), size});
  if (stream->body_sent()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}

// --- Streams --------------------------------------------------------------------------------------------------------

std::optional<std::uint32_t> Http2Session::stated_limit() const {
  if (!settings_known_) return std::nullopt;
  const std::uint32_t allowed = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return std::min(allowed, kMaxStreamsPerConnection);
}

Http2Stream* Http2Session::find(std::int32_t id) const {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

void Http2Session::start(Http2Stream& stream) {
  CHECK(stream.session() == nullptr);
  const RequestHead head(stream.request());
  if (!head.fits()) return stream.fail_soon("the request's head is too large");
  nghttp2_data_provider body{};
  body.read_callback = read_body;
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, head.fields().data(), head.fields().size(),
                                                 stream.request().body.empty() ? nullptr : &body, &stream);
  if (id < 0) {
    // The connection has used all its stream ids.
    owner_.on_going_away(true);
    return owner_.on_refused(stream);
  }
  ++streams_;
  carried_.push_back(stream);
  stream.carried_by(this, id);
  owner_.on_output();
}

void Http2Session::let_go(Http2Stream& stream) {
  CHECK(stream.session() == this);
  nghttp2_session_set_stream_user_data(session_, stream.id(), nullptr);
  stream.unlink();
  stream.carried_by(nullptr, 0);
}

void Http2Session::cancel(Http2Stream& stream) {
  const std::int32_t id = stream.id();
  let_go(stream);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  owner_.on_output();
}

void Http2Session::drop_rest(Http2Stream& stream) {
  const std::int32_t id = stream.id();
  const bool ended = stream.ended();
  let_go(stream);
  if (ended) return;
  unfinished_.push_back({id, timers_.now() + kUnreadTimeout});
  owner_.on_output();  // it also looks for when reset_unfinished() is due
}

std::optional<Time> Http2Session::reset_unfinished() {
  while (!unfinished_.empty()) {
    const auto [id, deadline] = unfinished_.front();
    // -1: there is no such stream any more.
    const bool open = nghttp2_session_get_stream_remote_close(session_, id) == 0;
    if (open && timers_.now() < deadline) return deadline;
    if (open) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    unfinished_.pop_front();
  }
  return std::nullopt;
}

void Http2Session::acknowledge(Http2Stream& stream, std::size_t bytes) {
  nghttp2_session_consume_stream(session_, stream.id(), bytes);
  owner_.on_output();
}

void Http2Session::on_closed(Http2Stream& stream, std::uint32_t code) {
  let_go(stream);
  if (stream.ended()) return stream.on_closed("");
  if (!stream.head_complete() && code == NGHTTP2_REFUSED_STREAM) return owner_.on_refused(stream);
  if (!stream.head_complete() && code == NGHTTP2_HTTP_1_1_REQUIRED) return owner_.on_http1_required(stream);
  stream.on_closed(std::string("the server reset the stream: ") + nghttp2_http2_strerror(code));
}

void Http2Session::fail_streams(std::string_view error) {
  while (Http2Stream* stream = carried_.front()) {
    let_go(*stream);
    if (stream->head_written()) {
      stream->on_closed(error);
    } else {
      owner_.on_refused(*stream);
    }
  }
}

void Http2Session::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  owner_.on_output();
}

void Http2Session::say_goodbye() {
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  owner_.on_output();
}

}  // namespace streaming
