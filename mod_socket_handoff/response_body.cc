#include "mod_socket_handoff/response_body.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#include "mod_socket_handoff/handoff_headers.h"

namespace socket_handoff {
namespace {

constexpr std::size_t kFirstCapacity = 16 * 1024;

}  // namespace

static_assert(std::is_trivially_destructible_v<ResponseBody>);

ResponseBody* ResponseBody::create(request_rec* r, std::size_t max_bytes) {
  auto* body = new (apr_palloc(r->pool, sizeof(ResponseBody))) ResponseBody(max_bytes, content_encoding(r));
  apr_pool_cleanup_register(r->pool, body, release, apr_pool_cleanup_null);
  ap_set_module_config(r->request_config, &socket_handoff_module, body);
  return body;
}

ResponseBody* ResponseBody::of(const request_rec* r) {
  return static_cast<ResponseBody*>(ap_get_module_config(r->request_config, &socket_handoff_module));
}

apr_status_t ResponseBody::release(void* body) {
  std::free(static_cast<ResponseBody*>(body)->data_);
  return APR_SUCCESS;
}

bool ResponseBody::make_room(std::size_t bytes) {
  if (bytes > max_bytes_) return false;
  if (bytes <= capacity_) return true;
  const std::size_t capacity = std::min(max_bytes_, std::max({bytes, 2 * capacity_, kFirstCapacity}));
  void* data = std::realloc(data_, capacity);
  if (!data) return false;
  data_ = static_cast<char*>(data);
  capacity_ = capacity;
  return true;
}

void ResponseBody::append(std::string_view data) {
  if (is_too_large_ || data.empty()) return;
  if (!make_room(size_ + data.size())) {
    is_too_large_ = true;
    size_ = 0;
    return;
  }
  std::memcpy(data_ + size_, data.data(), data.size());
  size_ += data.size();
}

apr_status_t take_data(apr_bucket_brigade* brigade, ResponseBody* body) {
  apr_bucket* bucket = APR_BRIGADE_FIRST(brigade);
  while (bucket != APR_BRIGADE_SENTINEL(brigade) && !APR_BUCKET_IS_EOS(bucket)) {
    if (!APR_BUCKET_IS_METADATA(bucket) && (body || bucket->length == static_cast<apr_size_t>(-1))) {
      const char* data;
      apr_size_t length;
      const apr_status_t status = apr_bucket_read(bucket, &data, &length, APR_BLOCK_READ);
      if (status != APR_SUCCESS) return status;
      if (body) body->append({data, length});
    }
    apr_bucket* next = APR_BUCKET_NEXT(bucket);  // of a pipe, reading has put the rest there
    if (!APR_BUCKET_IS_METADATA(bucket)) apr_bucket_delete(bucket);
    bucket = next;
  }
  return APR_SUCCESS;
}

}  // namespace socket_handoff
