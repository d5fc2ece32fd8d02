// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/http1_server.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <utility>

#include "base/check.h"

namespace streaming::simulation {
namespace {

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& letter : small) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return small;
}

bool has_body(int status) {
  return status != 204 && status != 304;
}

}  // namespace

Http1Server::Http1Server(HttpService& service, Schedule& schedule, const ServerManners& manners, Random random)
    : service_(service),
      schedule_(schedule),
      manners_(manners),
      random_(random),
      answers_early_(manners.early != 0 && random_.one_in(manners.early)) {
}

template <typename Work>
void Http1Server::later(Duration delay, Work work) {
  schedule_.after(delay, [this, work, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired() && connection_ != nullptr) work();
  });
}

void Http1Server::on_open(Connection& connection) {
  connection_ = &connection;
  if (manners_.dead == 0 || !random_.one_in(manners_.dead)) return;
  dies_ = true;
  later(Duration(random_.below(30)), [this] { break_off(random_.one_in(2)); });
}

void Http1Server::on_bytes(std::string_view bytes) {
  const std::size_t unread = std::min(unread_, bytes.size());
  unread_ -= unread;
  received_.append(bytes.substr(unread));
  if (!answering_) serve_next();
}

void Http1Server::on_end_of_file() {
  // The daemon never closes one direction alone.
  if (watcher_ != nullptr) watcher_->on_broken(true);
  watcher_ = nullptr;
  if (connection_ != nullptr) connection_->close();
}

void Http1Server::on_closed(bool) {
  connection_ = nullptr;
  if (watcher_ != nullptr) watcher_->on_broken(true);
  watcher_ = nullptr;
}

// --- Requests -------------------------------------------------------------------------------------------------------

std::optional<ServedRequest> Http1Server::take_request(bool early) {
  const std::size_t head = received_.find("\r\n\r\n");
  if (head == std::string::npos) return std::nullopt;
  ServedRequest request;
  std::string_view rest = std::string_view(received_).substr(0, head + 2);
  const std::string_view line = rest.substr(0, rest.find("\r\n"));
  request.method = line.substr(0, line.find(' '));
  request.path = line.substr(request.method.size() + 1, line.rfind(' ') - request.method.size() - 1);
  for (rest.remove_prefix(line.size() + 2); !rest.empty();) {
    const std::size_t end = rest.find("\r\n");
    const std::size_t colon = rest.find(':');
    request.headers.emplace(lower(rest.substr(0, colon)), rest.substr(colon + 2, end - colon - 2));
    rest.remove_prefix(end + 2);
  }
  std::size_t length = 0;
  if (const auto found = request.headers.find("content-length"); found != request.headers.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), length);
  }
  const std::size_t came = std::min(received_.size() - head - 4, length);
  if (came < length && !early) return std::nullopt;
  request.body = received_.substr(head + 4, came);
  received_.erase(0, head + 4 + came);
  unread_ = length - came;
  return request;
}

void Http1Server::serve_next() {
  std::optional<ServedRequest> request = take_request(answers_early_ && received_.size() > random_.below(2000));
  if (!request) return;
  answering_ = true;
  request->mishaps = connection_->mishaps();
  begin_answer(*request);
}

// --- Answers --------------------------------------------------------------------------------------------------------

void Http1Server::begin_answer(const ServedRequest& request) {
  const Reply reply = service_.reply(request);
  watcher_ = reply.watcher;
  framing_ = !has_body(reply.status) ? Framing::kLength
                                     : random_.pick({Framing::kChunked, Framing::kChunked, Framing::kLength, Framing::kToTheEnd});
  closes_ = framing_ == Framing::kToTheEnd || unread_ > 0 || random_.one_in(6);
  wire_ = write_answer(reply, framing_);
  sent_ = 0;
  delivery_.emplace(wire_.bytes.size(), manners_, random_);
  later(delivery_->next_pause(random_), [this] { send_next(); });
}

Http1Server::Wire Http1Server::write_answer(const Reply& reply, Framing framing) {
  Wire wire;
  const bool old = framing == Framing::kToTheEnd && random_.one_in(4);
  for (unsigned left = random_.one_in(8) ? 1 + random_.below(2) : 0; left > 0 && !old; --left) {
    wire.add(random_.pick({"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n",
                           "HTTP/1.1 102 Processing\r\n\r\n"}));
  }
  wire.add(std::string(old ? "HTTP/1.0 " : "HTTP/1.1 ") + std::to_string(reply.status) +
           random_.pick({" OK", " ", " A Reason: it is so"}) + "\r\n");
  for (const auto& [name, value] : reply.headers) {
    std::string written = name;
    if (random_.one_in(2)) written[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(written[0])));
    wire.add(written + random_.pick({": ", ":", ":  "}) + value);
    wire.add(random_.pick({"\r\n", " \r\n"}));
  }
  if (framing == Framing::kChunked) wire.add("Transfer-Encoding: chunked\r\n");
  if (framing == Framing::kLength && has_body(reply.status)) {
    wire.add("Content-Length: " + std::to_string(reply.body.size()) + "\r\n");
  }
  if (closes_ && random_.one_in(2)) wire.add("Connection: close\r\n");
  wire.add("\r\n");
  wire.head = wire.bytes.size();
  if (framing == Framing::kChunked) {
    write_chunks(reply.body, wire, random_);
  } else if (has_body(reply.status)) {
    wire.add(reply.body, true);
  }
  return wire;
}

void Http1Server::write_chunks(std::string_view body, Wire& wire, Random& random) {
  const std::size_t usual = random.pick({std::size_t{3}, std::size_t{100}, std::size_t{5000}});
  const bool extends = random.one_in(4);
  while (!body.empty()) {
    const std::size_t length = std::min(body.size(), static_cast<std::size_t>(random.between(1, usual)));
    char size[32];
    std::snprintf(size, sizeof size, random.one_in(4) ? "%04zX" : "%zx", length);
    wire.add(size);
    if (extends && random.one_in(2)) wire.add(random.pick({";x", ";x=\"y\"", " ;a=b;c"}));
    wire.add("\r\n");
    wire.add(body.substr(0, length), true);
    wire.add("\r\n");
    body.remove_prefix(length);
  }
  wire.add(random.pick({"0\r\n", "000\r\n", "0;last\r\n"}));
  if (random.one_in(8)) wire.add("X-Trailer: yes\r\nServer-Timing: x\r\n");
  wire.add("\r\n");
}

void Http1Server::note_sent(std::size_t from, std::size_t to) {
  if (watcher_ == nullptr) return;
  if (from < wire_.head && to >= wire_.head) watcher_->on_head_sent();
  const auto count = std::count(wire_.is_body.begin() + static_cast<std::ptrdiff_t>(from),
                                wire_.is_body.begin() + static_cast<std::ptrdiff_t>(to), 1);
  if (count > 0) watcher_->on_body_sent(static_cast<std::size_t>(count));
}

void Http1Server::send_next() {
  if (delivery_->left() > 0) {
    const std::size_t part = delivery_->next_part(random_);
    const std::string bytes = wire_.bytes.substr(sent_, part);
    note_sent(sent_, sent_ + part);
    sent_ += part;
    connection_->send(bytes);
    if (connection_ == nullptr) return;
    // With a length the daemon has all of it, whatever becomes of the connection.
    if (watcher_ != nullptr && framing_ != Framing::kToTheEnd && sent_ == wire_.bytes.size()) watcher_->on_whole();
  }
  if (delivery_->left() > 0) return later(delivery_->next_pause(random_), [this] { send_next(); });
  if (delivery_->fate() == Delivery::Fate::kWhole) return end_answer();
  if (delivery_->fate() == Delivery::Fate::kStall) return;
  later(delivery_->next_pause(random_), [this] { break_off(delivery_->fate() == Delivery::Fate::kReset); });
}

void Http1Server::end_answer() {
  ReplyWatcher* const watcher = std::exchange(watcher_, nullptr);
  if (watcher != nullptr && framing_ == Framing::kToTheEnd) watcher->on_whole();
  // What closes with something unread resets, and may destroy what was sent.
  if (watcher != nullptr && (unread_ > 0 || dies_)) watcher->on_broken(true);
  answering_ = false;
  if (closes_ || random_.one_in(6)) {
    return later(Duration(framing_ == Framing::kToTheEnd ? 0 : random_.below(40)), [this] {
      if (!answering_) connection_->close();
    });
  }
  serve_next();
}

void Http1Server::break_off(bool resets) {
  ReplyWatcher* const watcher = std::exchange(watcher_, nullptr);
  // Without a length, an end is as good as any.
  const bool is_an_end = framing_ == Framing::kToTheEnd ? !resets && sent_ >= wire_.head : sent_ == wire_.bytes.size();
  const bool loses_sent = resets || unread_ > 0;
  if (watcher != nullptr && is_an_end && framing_ == Framing::kToTheEnd) watcher->on_whole();
  if (watcher != nullptr && (!is_an_end || loses_sent)) watcher->on_broken(loses_sent);
  resets ? connection_->reset() : connection_->close();
}

}  // namespace streaming::simulation
