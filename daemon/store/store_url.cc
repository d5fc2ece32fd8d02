// SPDX-License-Identifier: Apache-2.0
#include "store/store_url.h"

#include <sys/un.h>

#include <charconv>
#include <string_view>

#include "upstream/curl_url.h"

namespace streaming {
namespace {

// Sets `part` to what the URL has of it, decoded; false if that is not possible.
bool take_part(CURLU* url, CURLUPart part, std::string& text) {
  char* decoded = nullptr;
  const CURLUcode result = curl_url_get(url, part, &decoded, CURLU_URLDECODE);
  if (result == CURLUE_OK) text = decoded;
  curl_free(decoded);
  return result != CURLUE_URLDECODE;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

Result<StoreUrl> parse_socket(std::string path) {
  if (path.empty() || path.front() != '/' || path.size() >= sizeof sockaddr_un{}.sun_path) {
    return Error{"must be unix:// and the absolute path of a socket, as unix:///run/valkey/valkey.sock"};
  }
  StoreUrl url;
  url.socket = std::move(path);
  return url;
}

}  // namespace

Result<StoreUrl> parse_store_url(const std::string& text) {
  constexpr std::string_view kUnix = "unix://";
  if (text.starts_with(kUnix)) return parse_socket(text.substr(kUnix.size()));
  const CurlUrl parts = make_curl_url();
  StoreUrl url;
  std::string scheme, port, path;
  if (curl_url_set(parts.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
      !take_part(parts.get(), CURLUPART_SCHEME, scheme) || !take_part(parts.get(), CURLUPART_USER, url.user) ||
      !take_part(parts.get(), CURLUPART_PASSWORD, url.password) || !take_part(parts.get(), CURLUPART_HOST, url.host) ||
      !take_part(parts.get(), CURLUPART_PORT, port) || !take_part(parts.get(), CURLUPART_PATH, path)) {
    return Error{"is not a URL such as valkey://HOST:PORT/DATABASE or unix:///PATH"};
  }
  url.tls = scheme == "valkeys" || scheme == "rediss";
  if (!url.tls && scheme != "valkey" && scheme != "redis") {
    return Error{"begins with " + scheme + "://, and not with valkey://, valkeys:// (TLS), redis://, rediss:// or unix://"};
  }
  if (url.host.starts_with('[')) url.host = url.host.substr(1, url.host.size() - 2);
  if (url.host.empty()) return Error{"names no host"};
  if (!port.empty() && (!parse_number(port, url.port) || url.port == 0)) return Error{"has no valid port: " + port};
  const bool has_database = path.size() > 1;
  if (has_database && (!parse_number(std::string_view(path).substr(1), url.database) || url.database < 0)) {
    return Error{"has the path " + path + ", where only the number of a database may be"};
  }
  return url;
}

}  // namespace streaming
