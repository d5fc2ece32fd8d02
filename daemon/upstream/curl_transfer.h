// SPDX-License-Identifier: Apache-2.0
// CurlTransfer: one request inside libcurl.
//
// Owned by the CurlClient, since libcurl may be in the midst of it when the session lets go. Links into the list of
// transfers that wait until libcurl can be called.

#pragma once

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <string>

#include "base/intrusive_list.h"
#include "upstream/curl_multi.h"
#include "upstream/curl_routes.h"
#include "upstream/http_client.h"
#include "upstream/resolver.h"

namespace streaming {

class CurlClient;

class CurlTransfer : public ListNode {
 public:
  // `shared` is what it has in common with others. `route` is null where libcurl does not take the URL.
  // Borrows all but the request, the route during the call alone.
  CurlTransfer(CurlClient& client, HttpRequest request, HttpReceiver& receiver, const CurlRoute* route,
               CURLSH* shared);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer();

  static CurlTransfer& of(CURL* easy);

  // Whether libcurl can connect without asking for a name: the server's, or its proxy's.
  bool host_known() const { return host_.empty(); }
  // Calls the client when the host is found, or the receiver with the reason why not.
  void find_host(Resolver& resolver);

  void begin(CurlMulti& multi);
  bool begun() const { return begun_; }
  // Out of its multi handle, if it is in one.
  void leave();

  // The receiver is not called again.
  void cancel() { receiver_ = nullptr; }
  bool cancelled() const { return receiver_ == nullptr; }

  void pause() { paused_ = true; }
  void unpause() { paused_ = false; }
  bool paused() const { return paused_; }
  // libcurl keeps a piece of the body until release_held_back().
  bool held_back() const { return held_back_; }
  // May call the receiver.
  void release_held_back();

  // The receiver is not called again; what is still to come is dropped, up to kMaxUnreadBytes.
  void let_finish();
  bool finishing() const { return finishing_ && !done_; }

  // The answer that libcurl is done with was a redirect, which nobody hears of: the request is to begin again.
  bool redirected() const { return redirected_ && !cancelled(); }
  void start_over();

  // libcurl is done with the request.
  void finish(CURLcode result);

 private:
  // Its name, at the resolver.
  struct HostQuestion final : AddressAsker {
    explicit HostQuestion(CurlTransfer& new_transfer) : transfer(new_transfer) {}
    void on_addresses(const Result<AddressList>& found) override { transfer.on_addresses(found); }
    CurlTransfer& transfer;
  };

  void set_route(const CurlRoute& route);
  void on_addresses(const Result<AddressList>& found);
  static int on_connection(void* transfer, char* address, char* own_address, int port, int own_port);
  static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* transfer);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* transfer);
  void announce_head();
  bool take_redirect(int status);
  void forget_request();
  std::string_view header(const char* name) const;

  std::string url_;
  std::string body_;  // of the request, until it is sent; of all else libcurl has copies
  HeldBytes held_;    // the body's
  CurlClient& client_;
  HttpReceiver* receiver_;
  CURL* easy_;
  std::string host_;  // that is connected to, as long as its addresses are not known; empty: they are
  std::uint16_t port_ = 0;
  HostQuestion question_{*this};
  curl_slist* addresses_ = nullptr;
  curl_slist* headers_ = nullptr;
  CurlMulti* multi_ = nullptr;  // null before it has begun, and when libcurl is done with it
  bool begun_ = false;
  bool head_announced_ = false;
  bool redirected_ = false;
  bool paused_ = false;
  bool held_back_ = false;
  bool lost_ = false;       // its connection, with the request on the way
  bool finishing_ = false;  // nobody waits for the rest
  bool done_ = false;       // finish() was called
  std::uint8_t redirects_ = 0;
  std::size_t dropped_bytes_ = 0;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace streaming
