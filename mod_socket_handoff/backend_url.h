// SPDX-License-Identifier: Apache-2.0
// The URL of a backend, as mod_proxy writes it: "fcgi://127.0.0.1:9000/x.php", "unix:/run/php.sock|fcgi://localhost/".
// Pure: knows nothing of httpd. A value that borrows the text.

#pragma once

#include <string_view>

namespace socket_handoff {

class BackendUrl {
 public:
  explicit BackendUrl(std::string_view url);

  bool runs_applications() const;  // FastCGI, SCGI or uwsgi; false if the text is not a URL
  bool is_on_this_host() const;    // by a Unix socket or the loopback interface

 private:
  bool has_unix_socket_ = false;
  std::string_view scheme_;
  std::string_view host_;  // without port; an IPv6 address without its brackets
};

}  // namespace socket_handoff
