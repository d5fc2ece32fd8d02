// The response's body, where that is the hand-off's data (X-Handoff-Data-Source: body): read from the handler before
// any other filter can change it, and kept in bounded memory until the end.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <string_view>

namespace socket_handoff {

// Lives as long as its request; its memory is the C library's, as a pool could not give back what it outgrows.
class ResponseBody {
 public:
  // Before the first byte is taken: what has encoded the body by now has encoded all of it. Filters behind this place
  // set the header too, of a body that they never get.
  static ResponseBody* create(request_rec* r, std::size_t max_bytes);
  // The one that was created for this request; null where there is none.
  static ResponseBody* of(const request_rec* r);

  void append(std::string_view data);
  bool is_too_large() const { return is_too_large_; }  // or there is no memory; what came is forgotten
  std::string_view data() const { return {data_, size_}; }
  const char* encoding() const { return encoding_; }  // null where it has none

 private:
  ResponseBody(std::size_t max_bytes, const char* encoding) : max_bytes_(max_bytes), encoding_(encoding) {}
  bool make_room(std::size_t bytes);
  static apr_status_t release(void* body);

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t max_bytes_;
  const char* encoding_;
  bool is_too_large_ = false;
};

// Takes the data out of a brigade, up to its end, and keeps it in `body`, or nowhere where that is null. What is still
// being written (a CGI script's pipe) is read: to close that early would kill the script. Memory is bounded, as each
// piece goes before the next one is read. Buckets without data stay.
apr_status_t take_data(apr_bucket_brigade* brigade, ResponseBody* body);

}  // namespace socket_handoff
