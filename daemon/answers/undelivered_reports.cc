// SPDX-License-Identifier: Apache-2.0
#include "answers/undelivered_reports.h"

#include <fcntl.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "answers/journal_directory.h"
#include "base/unique_fd.h"

namespace streaming {
namespace {

std::string folder_of(const std::string& path) {
  return path + "/undelivered";
}

std::string file_of(const std::string& path, const ReportId& id) {
  return folder_of(path) + "/" + webhook_id(id) + ".json";
}

std::string text_member(const rapidjson::Document& json, const char* name) {
  const bool found = json.IsObject() && json.HasMember(name) && json[name].IsString();
  return found ? std::string(json[name].GetString(), json[name].GetStringLength()) : std::string();
}

std::string head_of(const UndeliveredReport& report) {
  rapidjson::StringBuffer text;
  rapidjson::Writer<rapidjson::StringBuffer> writer(text);
  writer.StartObject();
  writer.Key("webhook_id");
  writer.String(webhook_id(report.id).c_str());
  writer.Key("hook");
  writer.String(report.hook.data(), static_cast<rapidjson::SizeType>(report.hook.size()));
  writer.EndObject();
  return std::string(text.GetString(), text.GetSize()) + "\n";
}

// Nothing if the file is not whole, as while it is being written.
std::optional<UndeliveredReport> read_file(const std::filesystem::path& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  const std::string text = contents.str();
  const std::size_t end = text.find('\n');
  if (end == std::string::npos || !text.ends_with("}\n") || text.size() < end + 3) return std::nullopt;
  rapidjson::Document head;
  head.Parse(text.data(), end);
  const std::optional<ReportId> id = parse_webhook_id(text_member(head, "webhook_id"));
  if (!id) return std::nullopt;
  return UndeliveredReport{*id, text_member(head, "hook"), text.substr(end + 1, text.size() - end - 2)};
}

}  // namespace

Status store_undelivered(const std::string& path, const UndeliveredReport& report) {
  if (mkdir(folder_of(path).c_str(), 0700) != 0 && errno != EEXIST) {
    return Error::from_errno("cannot make " + folder_of(path), errno);
  }
  const std::string name = file_of(path, report.id);
  const UniqueFd file(open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return Error::from_errno("cannot make " + name, errno);
  const std::string text = head_of(report) + report.body + "\n";
  const bool written = write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || fsync(file.get()) != 0) return Error::from_errno("cannot write " + name, errno);
  return success();
}

std::size_t count_undelivered(const std::string& path) {
  std::error_code error;
  const std::filesystem::directory_iterator files(folder_of(path), error);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

Result<std::vector<UndeliveredReport>> read_undelivered(const std::string& path) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(path), error)) files.push_back(entry.path());
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error{"cannot read " + folder_of(path) + ": " + error.message() +
                 "; run this as the daemon's user: runuser -u streaming-daemon -- streaming-daemon ..."};
  }
  std::sort(files.begin(), files.end());
  std::vector<UndeliveredReport> reports;
  for (const std::filesystem::path& file : files) {
    if (std::optional<UndeliveredReport> report = read_file(file)) reports.push_back(std::move(*report));
  }
  return reports;
}

std::string describe(const UndeliveredReport& report) {
  rapidjson::Document json;
  json.Parse(report.body.data(), report.body.size());
  std::string line = webhook_id(report.id) + " hook=" + report.hook;
  for (const char* member : {"answer_id", "request_id", "user_id", "cause", "started_at"}) {
    if (const std::string text = text_member(json, member); !text.empty()) line.append(" ").append(member).append("=").append(text);
  }
  return line + " bytes=" + std::to_string(report.body.size());
}

Result<std::size_t> resend_undelivered(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return Error::from_errno("cannot use " + path, errno);
  if (status.st_uid != geteuid()) {
    return Error{"the daemon could not read what another user makes in " + path +
                 "; run this as its owner: runuser -u streaming-daemon -- streaming-daemon --resend ..."};
  }
  const Result<std::vector<UndeliveredReport>> reports = read_undelivered(path);
  if (!reports) return reports.error();
  if (reports->empty()) return std::size_t{0};
  Result<JournalDirectory> directory = JournalDirectory::open(path);
  if (!directory) return directory.error();
  std::vector<LeftReport> left;
  for (const UndeliveredReport& report : *reports) {
    left.push_back({.id = report.id, .hook = report.hook, .body = report.body, .due = wall_now()});
  }
  if (Status written = directory->leave(std::move(left)); !written) return written.error();
  for (const UndeliveredReport& report : *reports) unlink(file_of(path, report.id).c_str());
  return reports->size();
}

}  // namespace streaming
