// The URL of a backend, as mod_proxy writes it: "fcgi://127.0.0.1:9000/x.php", "unix:/run/php.sock|fcgi://localhost/".
// Pure; borrows the text.

#pragma once

#include <string_view>

namespace socket_handoff {

class BackendUrl {
 public:
  explicit BackendUrl(std::string_view url);

  // FastCGI, SCGI or uwsgi. What is no URL does not.
  bool runs_applications() const;
  // By a Unix socket or the loopback interface.
  bool is_on_this_host() const;

 private:
  bool has_unix_socket_ = false;
  std::string_view scheme_;
  std::string_view host_;  // without port; an IPv6 address without its brackets
};

}  // namespace socket_handoff
