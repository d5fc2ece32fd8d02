// SPDX-License-Identifier: Apache-2.0
#include "config/text_kind.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/header_field.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "config/configured_headers.h"
#include "config/printed_url.h"

namespace streaming {
namespace {

constexpr std::size_t kLongestSocketPath = sizeof sockaddr_un{}.sun_path - 1;

bool is_control(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == 0x7f;
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

Status check_line(const std::string& text) {
  return has_controls(text) ? Status(must_be("one line without control characters", text)) : success();
}

Status check_any_text(const std::string& text) {
  if (text.empty()) return Error{"must not be empty"};
  return check_line(text);
}

Status check_header_name(const std::string& text) {
  return is_header_name(text) ? success() : Status(must_be("the name of a header", text));
}

Status check_header_value(const std::string& text) {
  if (is_header_value(text) && text.size() <= kMaxConfiguredHeaderBytes) return success();
  return must_be("a header's value of at most " + std::to_string(kMaxConfiguredHeaderBytes) + " bytes", text);
}

// A hand-off's {model} must not choose the host, because the host gets the key. And resolvers understand only ASCII.
bool is_plain_host(std::string_view host) {
  return std::none_of(host.begin(), host.end(),
                      [](char character) { return character == '{' || static_cast<unsigned char>(character) > 0x7f; });
}

Status check_http_url(const std::string& text) {
  std::string_view host = text;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) host = std::string_view(text).substr(scheme.size());
  }
  const bool names_host = host.size() < text.size() && !host.empty() && host.find_first_of("/?#:") != 0;
  if (names_host && !is_plain_host(host.substr(0, host.find_first_of("/?#")))) {
    return must_be("a URL whose host is plain ASCII (xn--...), with {model} only after it", text);
  }
  if (names_host && !has_controls(text) && text.find(' ') == std::string::npos) return success();
  return must_be("an http or https URL", printed_url(text));
}

Status check_store_url(const std::string& text) {
  if (text.empty() || (text.find("://") != std::string::npos && !has_controls(text))) return success();
  return must_be("empty, or a URL such as valkey://HOST:PORT/DATABASE or unix:///PATH", printed_url(text));
}

Status check_socket_path(const std::string& text) {
  if (!text.empty() && text.size() <= kLongestSocketPath && !has_controls(text)) return success();
  return must_be("a path of 1 to " + std::to_string(kLongestSocketPath) + " bytes", text);
}

// The Error for a file or directory that is not `usable`, with the reason from errno.
Status check_file(const std::string& text, const char* what, bool usable) {
  const int code = errno;
  if (Status line = check_line(text); !line) return line;
  if (usable) return success();
  return Error{must_be(what, text).message + ": " + std::strerror(code), code};
}

Status check_log_file(const std::string& text) {
  if (text == kLogToStderr) return success();
  if (Status line = check_any_text(text); !line) return line;
  // An existing file must be writable; opening a directory for writing fails. A new file needs a writable directory.
  const std::size_t slash = text.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : text.substr(0, slash + 1);
  const bool writable =
      access(text.c_str(), F_OK) == 0
          ? static_cast<bool>(UniqueFd(open(text.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK)))
          : access(directory.c_str(), W_OK | X_OK) == 0;
  return check_file(text, "stderr or a file that can be written", writable);
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size();
}

// Only IPv4, because distributions build civetweb without IPv6.
bool is_address(const std::string& address) {
  in_addr parsed;
  return address.empty() || address == "localhost" || inet_pton(AF_INET, address.c_str(), &parsed) == 1;
}

Status check_listen_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const bool valid = text.empty() || (colon != std::string::npos && is_address(text.substr(0, colon)) &&
                                      is_port(std::string_view(text).substr(colon + 1)));
  return valid ? success() : Status(must_be("empty or ADDRESS:PORT with an IPv4 address: 127.0.0.1:9090", text));
}

}  // namespace

Error must_be(std::string_view what, std::string_view text) {
  std::string message = "must be ";
  message.append(what).append(", not \"");
  for (const char character : text) {
    char escaped[5];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(character));
    message.append(is_control(character) ? escaped : std::string(1, character));
  }
  return Error{message + "\""};
}

const TextKind kAnyText{"TEXT", check_any_text};
const TextKind kHeaderName{"NAME", check_header_name};
const TextKind kHttpUrl{"URL", check_http_url, printed_url};
const TextKind kSocketPath{"PATH", check_socket_path};
const TextKind kLogFile{"FILE", check_log_file};
const TextKind kOptionalHttpUrl{
    "URL", [](const std::string& text) { return text.empty() ? success() : check_http_url(text); }, printed_url};
const TextKind kOptionalStoreUrl{"URL", check_store_url, printed_url};
const TextKind kOptionalSocketPath{
    "PATH", [](const std::string& text) { return text.empty() ? success() : check_socket_path(text); }};
const TextKind kOptionalPath{"FILE", check_line};
const TextKind kNewDirectory{"DIRECTORY", check_line};
const TextKind kHeaderValue{"TEXT", check_header_value};
const TextKind kListenAddress{"ADDRESS:PORT", check_listen_address};
const TextKind kProgram{"FILE", [](const std::string& text) {
                          const bool valid = text.empty() || (text.front() == '/' && !has_controls(text));
                          return valid ? success() : Status(must_be("empty or the full path of a program", text));
                        }};
const TextKind kReadableFile{"FILE", [](const std::string& text) {
                               return check_file(text, "empty or a file that can be read",
                                                 text.empty() || access(text.c_str(), R_OK) == 0);
                             }};
const TextKind kDirectory{"DIRECTORY", [](const std::string& text) {
                            const UniqueFd directory(open(text.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
                            return check_file(text, "empty or a directory", text.empty() || directory);
                          }};

}  // namespace streaming
