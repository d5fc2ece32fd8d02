// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/http_response.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <optional>

namespace streaming::simulation {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::optional<std::size_t> number(std::string_view digits, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void read_head(std::string_view lines, HttpResponse& response) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!lines.starts_with(kVersion)) {
    response.problem = "no status line: " + std::string(lines.substr(0, 100));
    return;
  }
  response.status = static_cast<int>(number(lines.substr(kVersion.size(), 3), 10).value_or(0));
  while (lines.remove_prefix(lines.find(kLineEnd) + kLineEnd.size()), !lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find(kLineEnd));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) {
      response.problem = "no header: " + std::string(line);
      return;
    }
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::tolower(letter); });
    response.headers.emplace_back(std::move(name), line.substr(colon + 2));
  }
}

void read_chunks(std::string_view rest, HttpResponse& response) {
  while (!rest.empty()) {
    const std::size_t line_end = rest.find(kLineEnd);
    if (line_end == std::string_view::npos) {
      if (rest.size() > 18) response.problem = "no chunk's size: " + std::string(rest.substr(0, 100));
      return;
    }
    const std::optional<std::size_t> size = number(rest.substr(0, line_end), 16);
    if (!size) {
      response.problem = "no chunk's size: " + std::string(rest.substr(0, 100));
      return;
    }
    rest.remove_prefix(line_end + kLineEnd.size());
    response.body += rest.substr(0, *size);
    const std::string_view behind = rest.size() <= *size ? std::string_view() : rest.substr(*size, kLineEnd.size());
    if (!kLineEnd.starts_with(behind)) response.problem = "no line end behind a chunk: " + std::string(behind);
    if (rest.size() < *size + kLineEnd.size() || !response.problem.empty()) return;
    rest.remove_prefix(*size + kLineEnd.size());
    if (*size > 0) continue;
    response.is_whole = true;
    if (!rest.empty()) response.problem = "bytes behind the last chunk: " + std::string(rest.substr(0, 100));
    return;
  }
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [name](const auto& field) { return field.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

HttpResponse read_http_response(std::string_view bytes) {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  HttpResponse response;
  const std::size_t end = bytes.find(kHeadEnd);
  if (end == std::string_view::npos) {
    const std::string_view begin = std::string_view("HTTP/1.1 ").substr(0, bytes.size());
    if (!bytes.starts_with(begin)) response.problem = "no status line: " + std::string(bytes.substr(0, 100));
    return response;
  }
  read_head(bytes.substr(0, end + kLineEnd.size()), response);
  if (!response.problem.empty()) return response;
  const std::string_view rest = bytes.substr(end + kHeadEnd.size());
  const std::optional<std::size_t> length = number(response.header("content-length"), 10);
  if (response.header("transfer-encoding") == "chunked") {
    response.is_delimited = true;
    read_chunks(rest, response);
  } else if (length || response.status == 204) {
    response.is_delimited = true;
    response.body = rest.substr(0, length.value_or(0));
    response.is_whole = response.body.size() == length.value_or(0);
    if (rest.size() > length.value_or(0))
      response.problem = "bytes behind the response: " + std::string(rest.substr(0, 100));
  } else {
    response.body = rest;
  }
  return response;
}

}  // namespace streaming::simulation
