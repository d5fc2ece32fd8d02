// SPDX-License-Identifier: Apache-2.0
#include "server/answer_list.h"

#include <civetweb.h>
#include <rapidjson/document.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "base/log_line.h"
#include "base/printable.h"
#include "server/limits.h"
#include "server/status_server.h"

namespace streaming {
namespace {

constexpr int kOk = 200;

// Where a server that listens there can be reached from this machine.
std::string reachable(const std::string& host) {
  if (host.empty() || host == "0.0.0.0" || host == "localhost") return "127.0.0.1";
  if (host == "[::]") return "::1";
  return host.front() == '[' ? host.substr(1, host.size() - 2) : host;
}

Result<std::string> get(const std::string& address, const char* path) {
  const std::size_t colon = address.rfind(':');
  const std::string host = reachable(address.substr(0, colon));
  const auto cannot = [&](const std::string& reason) {
    return Error{"cannot ask the daemon on " + address + ": " + reason};
  };
  std::array<char, 256> error{};
  const std::unique_ptr<mg_connection, decltype(&mg_close_connection)> connection(
      mg_download(host.c_str(), std::atoi(address.c_str() + colon + 1), 0, error.data(), error.size(),
                  "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, address.c_str()),
      &mg_close_connection);
  if (connection == nullptr) return cannot(error.data());
  std::string body;
  std::array<char, 16 * 1024> part;
  for (int got = 0; (got = mg_read(connection.get(), part.data(), part.size())) > 0;) {
    if (body.size() > kMaxListBytes) return cannot("it lists more than fits");
    body.append(part.data(), static_cast<std::size_t>(got));
  }
  const int status = mg_get_response_info(connection.get())->status_code;
  return status == kOk ? Result<std::string>(body) : cannot("status " + std::to_string(status) + ": " + body);
}

// "KIND NAME=VALUE ...", of all members that are texts or numbers.
void append_line(std::string& out, std::string_view kind, const rapidjson::Value& object) {
  LogLine line(kind);
  for (const auto& member : object.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (member.value.IsString()) line.add(name, {member.value.GetString(), member.value.GetStringLength()});
    if (member.value.IsInt64()) line.add(name, member.value.GetInt64());
  }
  append_printable(out, line.text());
  out += '\n';
}

}  // namespace

Result<std::string> kept_answer_lines(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  const auto has = [&](const char* name) { return document.IsObject() && document.HasMember(name); };
  if (document.HasParseError() || !has("answers") || !document["answers"].IsArray() || !has("totals") ||
      !document["totals"].IsObject()) {
    return Error{"the daemon that runs does not list its kept answers: it has another version"};
  }
  std::string lines;
  for (const rapidjson::Value& answer : document["answers"].GetArray()) {
    if (answer.IsObject()) append_line(lines, "kept", answer);
  }
  append_line(lines, "total", document["totals"]);
  return lines;
}

Result<std::string> list_kept_answers(const Config& config) {
  const std::string address = monitoring_address(config);
  if (address.empty()) return Error{"the daemon has no monitoring (metrics.listen_addr), which lists its kept answers"};
  mg_init_library(0);
  const Result<std::string> json = get(address, "/streams");
  mg_exit_library();
  return json ? kept_answer_lines(*json) : json.error();
}

}  // namespace streaming
