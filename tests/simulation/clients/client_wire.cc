// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/client_wire.h"

#include <algorithm>
#include <charconv>

#include "support/connection_part.h"
#include "support/hostile_frames.h"

namespace streaming::simulation {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string garbage(Random& random, std::size_t most) {
  std::string bytes(random.between(1, most), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

}  // namespace

Http2Setup ClientWire::draw_http2(Random& random) {
  Http2Setup setup;
  if (random.one_in(2)) return setup;
  setup.initial_window = random.pick({0u, 1u, 20u, 700u, 5'000u, 1u << 20});
  setup.connection_window = random.pick({65'535, 70'000, 1 << 20});
  return setup;
}

ClientWire::ClientWire(Kind kind, Random& random) : kind_(kind) {
  if (kind == Kind::kTls || kind == Kind::kHttp2OverTls) tls_ = std::make_unique<ClientTls>(random);
  if (kind == Kind::kHttp2 || kind == Kind::kHttp2OverTls) {
    const Http2Setup setup = draw_http2(random);
    http2_ = std::make_unique<Http2Peer>(setup);
    begins_with_small_window_ = setup.initial_window < handoff_protocol::kDefaultHttp2Window;  // no answer fills that
  }
  if (kind != Kind::kPlain) describe(random);
}

// Of what an HTTP/2 client has sent besides its request, Apache has received some, and over TLS not decrypted all of
// that.
void ClientWire::describe(Random& random) {
  handoff_protocol::ConnectionState state;
  if (tls_) state.tls = tls_->server_state();
  std::string frames, records;
  if (http2_) {
    state.http2 = http2_->server_state();
    if (random.one_in(2)) {
      http2_->ping();
      if (random.one_in(2)) http2_->request();
      frames = http2_->write();
    }
    const std::size_t used = random.between(0, std::min(frames.size(), handoff_protocol::kMaxUnusedBytes));
    unreceived_ = sealed(frames.substr(used));
    frames.resize(used);
    if (tls_) {
      records =
          unreceived_.substr(0, random.between(0, std::min(unreceived_.size(), handoff_protocol::kMaxUnusedBytes)));
      unreceived_.erase(0, records.size());
    }
  }
  state.frames = bytes_of(frames);
  state.records = bytes_of(records);
  part_ = streaming::connection_part(state);
}

std::string ClientWire::sealed(std::string_view text) {
  return tls_ && !text.empty() ? tls_->seal(text) : std::string(text);
}

std::string ClientWire::receive(std::string_view bytes) {
  const std::string opened = tls_ ? tls_->open(bytes) : std::string();
  const std::string_view text = tls_ ? std::string_view(opened) : bytes;
  if (!http2_) {
    bytes_ += text;
    return {};
  }
  http2_->read(text);
  return sealed(http2_->write());
}

// --- What the client sends ------------------------------------------------------------------------------------------

std::string ClientWire::chat(Random& random) {
  if (http2_) return chat_over_http2(random);
  if (tls_) return chat_over_tls(random);
  return garbage(random, 2000);
}

std::string ClientWire::chat_over_tls(Random& random) {
  if (tls_->is_13() && random.one_in(3)) return tls_->update_keys(random.one_in(2));
  if (tls_->is_13() && random.one_in(4)) return tls_->sealer().record(23, "GET / HTTP/1.1\r\n", random.below(300));
  return tls_->seal(garbage(random, 2000));
}

std::string ClientWire::chat_over_http2(Random& random) {
  switch (random.below(5)) {
    case 0:
      http2_->request();
      break;
    case 1:
      http2_->set_initial_window(static_cast<std::uint32_t>(random.pick({65'535, 100'000, 10'000})));
      break;
    case 2:
      return open_windows();
    case 3:
      if (tls_ && tls_->is_13()) return tls_->update_keys(random.one_in(2)) + sealed(http2_->write());
      [[fallthrough]];
    default:
      http2_->ping();
  }
  return sealed(http2_->write());
}

std::string ClientWire::open_windows() {
  if (!http2_) return {};
  http2_->set_initial_window(handoff_protocol::kDefaultHttp2Window);
  http2_->open_windows(10'000);
  return sealed(http2_->write());
}

std::string ClientWire::misbehave(Random& random) {
  misbehaves_ = !is_plain();
  if (tls_ && random.one_in(2)) {
    std::string record = tls_->seal("x");
    switch (random.below(4)) {
      case 0:
        record.back() = static_cast<char>(record.back() ^ 1);
        return record;
      case 1:
        return HostileTlsClient::header(23, 20'000) + record;
      case 2:
        return tls_->sealer().record(22, garbage(random, 40));
      default:
        return garbage(random, 300);
    }
  }
  if (http2_) return sealed(random.one_in(4) ? garbage(random, 300) : random.pick(hostile::mistakes()).bytes);
  return sealed(garbage(random, 20'000).substr(0, 16'000));
}

std::string ClientWire::leave(Random& random) {
  has_left_ = true;
  std::string bytes;
  if (http2_ && random.one_in(2)) {
    random.one_in(2) ? http2_->cancel() : http2_->go_away(NGHTTP2_INTERNAL_ERROR);
    bytes = sealed(http2_->write());
  }
  if (tls_ && random.one_in(2)) bytes += tls_->close_notify();
  return bytes;
}

// --- What it has got ------------------------------------------------------------------------------------------------

HttpResponse ClientWire::response() const {
  if (!http2_) return read_http_response(bytes_);
  HttpResponse response;
  if (!http2_->has_head()) return response;
  for (const auto& [name, value] : http2_->head()) {
    if (name == ":status") {
      std::from_chars(value.data(), value.data() + value.size(), response.status);
    } else {
      response.headers.emplace_back(name, value);
    }
  }
  response.body = http2_->body();
  response.is_delimited = true;
  response.is_whole = http2_->is_whole();
  return response;
}

bool ClientWire::has_ended() const {
  if (http2_) return http2_->is_whole();
  return tls_ ? tls_->has_clean_end() : read_http_response(bytes_).is_whole;
}

std::string ClientWire::problem() const {
  if (misbehaves_) return {};
  if (tls_ && !tls_->problem().empty()) return tls_->problem();
  return http2_ && !http2_->error().empty() ? "HTTP/2: " + http2_->error() : std::string();
}

}  // namespace streaming::simulation
