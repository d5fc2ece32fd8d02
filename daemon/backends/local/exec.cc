// SPDX-License-Identifier: Apache-2.0
#include "backends/local/exec.h"

#include <fcntl.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "process/program.h"

namespace streaming {
namespace {

constexpr std::string_view kDefaultCommand = "default";

// The kernel takes no variable of more than 32 pages, its name and its end included (MAX_ARG_STRLEN).
constexpr std::size_t kLongestVariable = 32 * 4096 - 1;

std::string json_of(const HandoffRequest& request) {
  if (request.json.document().IsNull()) return {};
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  request.json.document().Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

Result<UniqueFd> file_of(std::string_view text) {
  UniqueFd file(memfd_create("handoff_data", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return Error::from_errno("cannot create a memfd", errno);
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = write(file.get(), rest.data(), rest.size());
    if (written <= 0) return Error::from_errno("cannot write a memfd", errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  lseek(file.get(), 0, SEEK_SET);
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

}  // namespace

const std::vector<std::string>* find_command(const Config& config, std::string_view profile) {
  const auto found = config.exec_commands.find(profile.empty() ? kDefaultCommand : profile);
  return found == config.exec_commands.end() ? nullptr : &found->second;
}

std::string command_names(const Config& config) {
  std::string names;
  for (const auto& [name, words] : config.exec_commands) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

Result<ProgramPayload> program_payload(const HandoffRequest& request) {
  std::string variable = "HANDOFF_DATA=" + json_of(request);
  if (variable.size() <= kLongestVariable) return ProgramPayload{std::move(variable), UniqueFd()};
  Result<UniqueFd> file = file_of(std::string_view(variable).substr(variable.find('=') + 1));
  if (!file) return file.error();
  return ProgramPayload{"HANDOFF_DATA_FILE=/proc/self/fd/" + std::to_string(kProgramFile), std::move(*file)};
}

}  // namespace streaming
