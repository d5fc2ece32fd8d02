// CurlTransfer: one request inside libcurl.
//
// Owned by the CurlClient, since libcurl may be in the midst of it when the session lets go. Links into the list of
// transfers that wait until libcurl can be called.

#pragma once

#include <curl/curl.h>

#include <array>

#include "base/intrusive_list.h"
#include "upstream/curl_multi.h"
#include "upstream/http_client.h"

namespace streaming {

class CurlTransfer : public ListNode {
 public:
  // `shared` is what it has in common with others.
  CurlTransfer(HttpRequest request, HttpReceiver& receiver, CURLSH* shared);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer();

  static CurlTransfer& of(CURL* easy);

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

  // libcurl is done with the request.
  void finish(CURLcode result);

 private:
  static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* transfer);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* transfer);
  void announce_head();
  void forget_body();
  std::string_view header(const char* name) const;

  std::string body_;  // of the request, until it is sent; of all else libcurl has copies
  HttpReceiver* receiver_;
  CURL* easy_;
  curl_slist* headers_ = nullptr;
  CurlMulti* multi_ = nullptr;  // null before it has begun, and when libcurl is done with it
  bool begun_ = false;
  bool head_announced_ = false;
  bool paused_ = false;
  bool held_back_ = false;
  bool finishing_ = false;  // nobody waits for the rest
  bool done_ = false;       // finish() was called
  std::size_t dropped_bytes_ = 0;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace streaming
