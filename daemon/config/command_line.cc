// SPDX-License-Identifier: Apache-2.0
#include "config/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>

#include "base/one_dash.h"
#include "config/config_file.h"
#include "config/convert.h"
#include "config/environment.h"
#include "config/nearest.h"
#include "config/option_table.h"
#include "config/profile.h"
#include "config/secret_file.h"

namespace streaming {
namespace {

constexpr const char* kDescription =
    "streaming-daemon: streams Server-Sent Events to clients that Apache hands over (mod_socket_handoff).\n"
    "A flag takes precedence over the environment, the environment over the file, the file over the default.";

// The texts of the given flags, kept until file and environment have been read.
using GivenFlags = std::map<const Option*, std::string>;

std::string help_of(const Option& option) {
  std::string help(option.help);
  const std::string fallback = option_text(Config{}, option);
  if (!fallback.empty() && !option.key.empty()) help += " [" + fallback + "]";
  if (!option.variable.empty()) help += " (" + std::string(option.variable) + ")";
  return help;
}

void add_flags(CLI::App& app, GivenFlags& given) {
  for (const Option& option : option_table()) {
    if (option.flag.empty()) continue;
    std::string flag(option.flag);
    if (!option.other_flags.empty()) flag.append(",").append(option.other_flags);
    const std::string_view behind = placeholder(option);
    if (behind.empty()) {
      app.add_flag_function(
          flag, [&](std::int64_t) { given[&option] = "true"; }, help_of(option));
    } else {
      app.add_option_function<std::string>(
             flag, [&](const std::string& text) { given[&option] = text; }, help_of(option))
          ->type_name(std::string(behind))
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
}

Status apply_flags(Config& config, const GivenFlags& given) {
  for (const auto& [option, text] : given) {
    if (Status set = set_option(config, *option, text); !set) {
      return Error{std::string(option->flag) + " " + set.error().message};
    }
    config.sources.insert_or_assign(std::string(option->key), option->flag);
  }
  return success();
}

// Reads the secrets that are in separate files, except keys that the environment sets.
Status read_secret_files(Config& config) {
  for (const Option& option : option_table()) {
    if (const Headers* headers = std::get_if<Headers>(&option.value)) {
      Status read = read_header_files(config.*headers->member);
      if (!read) return Error{source_of(config, option.key) + ": " + read.error().message};
      for (const auto& [name, header] : config.*headers->member) {
        if (!header.file.empty()) note_exposure(config, header.file, option.key);
      }
    }
    const Secret* secret = std::get_if<Secret>(&option.value);
    if (secret == nullptr || (config.*secret->file).empty()) continue;
    const char* from_environment = std::getenv(std::string(option.variable).c_str());
    if (from_environment != nullptr && *from_environment != '\0') continue;
    Result<std::string> read = read_secret_file(config.*secret->file);
    if (!read) return Error{source_of(config, std::string(option.key) + "_file") + ": " + read.error().message};
    config.*secret->member = *read;
    note_exposure(config, config.*secret->file, option.key);
  }
  return success();
}

// Suggests a flag for the first unknown one.
std::string flag_suggestion(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const std::string& argument : arguments) {
    const std::string flag = argument.substr(0, argument.find('='));
    if (flag.starts_with("--") && app.get_option_no_throw(flag) == nullptr) return did_you_mean(nearest(flag, known));
  }
  return "";
}

}  // namespace

Result<CommandLine> read_command_line(int argc, const char* const* argv) {
  CommandLine line;
  GivenFlags given;
  CLI::App app(kDescription, "streaming-daemon");
  app.set_help_flag("--help", "print this and end");
  app.set_version_flag("--version", "streaming-daemon " STREAMING_DAEMON_VERSION, "print the version and end");
  app.add_option("--config", line.config_file,
                 "TOML file [./streaming-daemon.toml, /etc/streaming-daemon/config.toml or /etc/streaming-daemon.toml]")
      ->type_name("FILE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_flag("--answers", line.list_answers,
               "list the kept answers of the daemon that runs, and the reports of answers that were given up, and end");
  app.add_flag("--undelivered", line.list_undelivered, "list the reports of answers that were given up, and end");
  app.add_flag("--resend", line.resend_undelivered,
               "have these reports delivered, by the daemon that runs or by the next start, and end");
  bool print_config = false;
  app.add_flag("--check-config", line.check_only, "check all settings and end: status 0 if the daemon could start");
  app.add_flag("--print-config", print_config, "print the settings in force, as a TOML file without keys, and end");
  std::string to_convert;
  app.add_option("--convert", to_convert,
                 "print the settings of another daemon's file (YAML or TOML) as a file for this daemon, and end")
      ->type_name("FILE");
  add_flags(app, given);
  const std::vector<std::string> arguments = with_two_dashes(
      argc, argv, [&app](const std::string& flag) { return app.get_option_no_throw(flag) != nullptr; });
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 wants the last first
  } catch (const CLI::CallForHelp&) {
    line.to_print = app.help();
    return line;
  } catch (const CLI::CallForVersion&) {
    line.to_print = app.version() + "\n";
    return line;
  } catch (const CLI::ExtrasError& error) {
    const std::string meant = flag_suggestion(app, arguments);
    return Error{error.what() + meant + (meant.empty() ? ";" : "") + " --help lists the flags"};
  } catch (const CLI::ParseError& error) {
    return Error{std::string(error.what()) + "; --help lists the flags"};
  }

  if (!to_convert.empty()) {
    Result<std::string> converted = convert_configuration(to_convert);
    if (!converted) return converted.error();
    line.to_print = *converted;
    return line;
  }
  if (line.config_file.empty()) line.config_file = find_config_file();
  if (!line.config_file.empty()) {
    if (Status read = read_config_file(line.config_file, line.config); !read) return read.error();
  }
  if (Status applied = apply_environment(line.config); !applied) return applied.error();
  if (Status applied = apply_flags(line.config, given); !applied) return applied.error();
  if (Status read = read_secret_files(line.config); !read) return read.error();
  if (Status read = read_profile_secrets(line.config); !read) return read.error();
  if (print_config) line.to_print = config_file_text(line.config);
  return line;
}

}  // namespace streaming
