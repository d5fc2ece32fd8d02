// SPDX-License-Identifier: Apache-2.0
// What a client sends over HTTP/2 while it gets its answer: bytes of any kind, and frames. DATA stays within the
// client's windows as a second implementation counts them; nghttp2's client reads head and text as they were written;
// replies are of known kinds and no more than the client's bytes ask for; the same comes of frames however they are cut.
//
// The input: four bytes that choose the windows and how the client's bytes are cut, then steps: what to do, and its
// argument. A frame's step has type, flags, a choice of stream, a length, and as many bytes of payload.

#include "client/http2_answer.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/property.h"
#include "tests/support/http2_peer.h"

namespace streaming {
namespace {

using handoff_protocol::FrameHead;
using handoff_protocol::FrameType;
using handoff_protocol::Http2State;
using handoff_protocol::kFrameHeadBytes;
using handoff_protocol::kMaxHttp2Window;
using handoff_protocol::read_number;
using End = ClientConnection::End;
using Received = ClientConnection::Received;

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
constexpr std::uint32_t kStream = 1;  // as Http2Peer has it
constexpr std::size_t kReplyBytes = 17;  // the longest

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Takes the first frame off `frames`; false if it is not whole.
bool take_frame(std::string_view& frames, FrameHead& head, std::string_view& payload) {
  if (frames.size() < kFrameHeadBytes) return false;
  head = handoff_protocol::read_frame_head(bytes_of(frames).first<kFrameHeadBytes>());
  if (frames.size() < kFrameHeadBytes + head.length) return false;
  payload = frames.substr(kFrameHeadBytes, head.length);
  frames.remove_prefix(kFrameHeadBytes + head.length);
  return true;
}

// The windows as the client's whole frames leave them.
class Windows {
 public:
  explicit Windows(const Http2State& state)
      : connection_(state.connection_window), stream_(state.stream_window), initial_(state.initial_window) {}

  void receive(std::string_view bytes) {
    bytes_ += bytes;
    std::string_view rest = bytes_;
    FrameHead head;
    for (std::string_view payload; take_frame(rest, head, payload);) apply(head, payload);
    bytes_.erase(0, bytes_.size() - rest.size());
  }
  void send(std::int64_t bytes) {
    MUST(bytes == 0 || (bytes <= connection_ && bytes <= stream_));
    connection_ -= bytes;
    stream_ -= bytes;
  }

 private:
  void apply(const FrameHead& head, std::string_view payload) {
    if (head.type == FrameType::kWindowUpdate && payload.size() == 4) {
      const std::uint32_t bytes = read_number(bytes_of(payload).first<4>()) & kMaxHttp2Window;
      if (head.stream == 0) connection_ += bytes;
      if (head.stream == kStream) stream_ += bytes;
    } else if (head.type == FrameType::kSettings && head.stream == 0 && !head.has(handoff_protocol::kAck)) {
      for (; payload.size() >= 6; payload.remove_prefix(6)) {
        if (payload.substr(0, 2) != std::string_view("\0\4", 2)) continue;
        const std::int64_t initial = read_number(bytes_of(payload.substr(2)).first<4>());
        stream_ += initial - initial_;
        initial_ = initial;
      }
    }
  }

  std::int64_t connection_, stream_, initial_;
  std::string bytes_;
};

// The answer between a hostile client and its text.
class Exchange {
 public:
  explicit Exchange(const Http2State& state) : answer_(state), windows_(state) {}

  void receive(std::string_view bytes, std::size_t piece) {
    received_bytes_ += bytes.size();
    windows_.receive(bytes);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) answer_.receive(bytes.substr(0, piece));
  }

  void write(std::string_view text, End end) {
    if (end_ != End::kNotYet) return;
    if (!has_head_) queue_ += kHead;
    has_head_ = true;
    queue_ += text;
    text_ += text;
    end_ = end;
    flush();
  }
  // The client takes no more, whether or not the answer has ended.
  void cut() {
    end_ = End::kCut;
    flush();
  }
  void flush() {
    Buffer frames;
    const ClientConnection::Written written = answer_.write(queue_, end_, frames);
    MUST(written.done <= queue_.size());
    queue_.erase(0, written.done);
    sent_ += frames.view();
    check(frames.view());
    // Nothing of a cut answer waits.
    MUST((answer_.received() == Received::kNothing && end_ != End::kCut) || queue_.empty());
  }

  const std::string& sent() const { return sent_; }
  std::string_view outcome() const { return answer_.error_name(); }

  // All of it is over: nghttp2 has read what was written.
  void finish() {
    MUST(peer_.error().empty());
    MUST(text_.starts_with(peer_.body()));
    MUST(!peer_.is_whole() || peer_.body() == text_);
    const bool is_written = end_ == End::kWhole && queue_.empty();
    MUST(!is_written || peer_.is_whole() || answer_.received() != Received::kNothing);
    MUST(control_bytes_ <= 2 * received_bytes_ + 2 * kReplyBytes);
  }

 private:
  void check(std::string_view frames) {
    FrameHead head;
    for (std::string_view payload; !frames.empty();) {
      const std::string_view frame = frames;
      MUST(take_frame(frames, head, payload));
      MUST(payload.size() <= kMaxSentFrameBytes);
      const bool is_answer =
          head.type == FrameType::kHeaders || head.type == FrameType::kContinuation || head.type == FrameType::kData;
      if (is_answer) {
        MUST(head.stream == kStream && goaway_code_ == 0 && !is_reset_);
        if (head.type == FrameType::kData) windows_.send(static_cast<std::int64_t>(payload.size()));
        peer_.read(frame.substr(0, kFrameHeadBytes + payload.size()));
      } else {
        control_bytes_ += kFrameHeadBytes + payload.size();
        check_reply(head, payload);
      }
    }
  }
  void check_reply(const FrameHead& head, std::string_view payload) {
    switch (head.type) {
      case FrameType::kSettings:
        MUST(head.flags == handoff_protocol::kAck && payload.empty() && head.stream == 0);
        return;
      case FrameType::kPing:
        MUST(head.flags == handoff_protocol::kAck && payload.size() == 8 && head.stream == 0);
        return;
      case FrameType::kRstStream:
        if (head.stream == kStream) {
          MUST(payload == std::string_view("\0\0\0\10", 4) && end_ == End::kCut && !is_reset_);
          is_reset_ = true;
          return;
        }
        MUST(payload == std::string_view("\0\0\0\7", 4) && head.stream % 2 == 1 && head.stream > refused_);
        refused_ = head.stream;
        return;
      case FrameType::kGoaway:
        MUST(payload.size() == 8 && head.stream == 0 && payload.substr(0, 4) == std::string_view("\0\0\0\5", 4));
        MUST(goaway_code_ == 0);
        goaway_code_ = read_number(bytes_of(payload).subspan<4, 4>());
        MUST(++goaways_ <= 2);
        return;
      default:
        MUST(!"a reply");
    }
  }

  Http2Answer answer_;
  Windows windows_;
  Http2Peer peer_{{.initial_window = kMaxHttp2Window, .connection_window = kMaxHttp2Window}};
  std::string queue_, text_, sent_;
  std::size_t received_bytes_ = 0, control_bytes_ = 0;
  std::uint32_t refused_ = 5;
  std::uint32_t goaway_code_ = 0;
  int goaways_ = 0;
  bool has_head_ = false;
  bool is_reset_ = false;
  End end_ = End::kNotYet;
};

class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() { return empty() ? 0 : static_cast<std::uint8_t>(take(1).front()); }
  std::string_view take(std::size_t bytes) {
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

std::string frame(Input& input) {
  constexpr std::uint32_t kStreams[] = {0, kStream, 3, 5, 7, 9, 11, 2};
  FrameHead head{.length = 0, .type = static_cast<FrameType>(input.byte() % 11), .flags = input.byte()};
  head.stream = kStreams[input.byte() % std::size(kStreams)];
  const std::string_view payload = input.take(input.byte());
  head.length = static_cast<std::uint32_t>(payload.size());
  const auto bytes = frame_head_bytes(head);
  return std::string(bytes.begin(), bytes.end()) + std::string(payload);
}

// All steps, with the client's bytes in pieces of that size.
void run(Input input, std::size_t piece, Exchange& exchange) {
  while (!input.empty()) {
    const std::uint8_t step = input.byte();
    switch (step % 7) {
      case 0:
        exchange.receive(input.take(input.byte()), piece);
        break;
      case 1:
      case 2:
        exchange.receive(frame(input), piece);
        break;
      case 3:
        exchange.write(std::string(input.byte() * 100u, static_cast<char>('a' + step % 26)), End::kNotYet);
        break;
      case 4:
        exchange.flush();
        break;
      case 6:
        exchange.cut();
        break;
      default:
        exchange.write(std::string(input.byte(), 'z'), End::kWhole);
    }
  }
  exchange.finish();
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  Input input(fuzz::text(data, size));
  constexpr std::int32_t kWindows[] = {0, 1, 100, 65'535, 0x7fffffff};
  Http2State state{.stream = kStream, .highest_stream = 5};
  state.connection_window = kWindows[input.byte() % 5];
  state.stream_window = kWindows[input.byte() % 5] - (size % 2 == 0 ? 0 : 50);
  state.initial_window = kWindows[input.byte() % 5];
  state.max_frame_bytes = handoff_protocol::kMinMaxFrameBytes;
  const std::size_t piece = 1 + input.byte() % 64;
  Exchange whole(state), cut(state);
  run(input, 1 << 20, whole);
  run(input, piece, cut);
  MUST(whole.sent() == cut.sent() && whole.outcome() == cut.outcome());
  return 0;
}
