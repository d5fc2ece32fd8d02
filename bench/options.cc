// SPDX-License-Identifier: Apache-2.0
#include "bench/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "base/one_dash.h"
#include "protocol/handoff_protocol.h"

namespace streaming::bench {
namespace {

void add_duration(CLI::App& app, const std::string& name, Nanoseconds& target, const std::string& shown_default,
                  const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [&target, name](const std::string& text) {
           const std::optional<Nanoseconds> duration = parse_duration(text);
           if (!duration) {
             throw CLI::ValidationError(name, "must be a duration such as 10s, 500ms or 1m30s, not " + text);
           }
           target = *duration;
         },
         help + " [" + shown_default + "]")
      ->type_name("DURATION");
}

void add_load(CLI::App& app, Options& options) {
  app.add_option("--connections", options.connections, "streams to open")->check(CLI::Range(1, 100'000'000));
  add_duration(app, "--ramp-up", options.ramp_up, "10s",
               "time within which they are opened, unless --in-flight sets the pace");
  add_duration(app, "--hold", options.hold, "1m",
               "time after the ramp-up in which delayed streams may still be opened");
  add_duration(app, "--stream-timeout", options.stream_timeout, "2m",
               "longest time from the hand-off to the end of the answer");
  app.add_option("--in-flight", options.in_flight, "most streams at once; the next opens when one ends. 0: no limit");
  app.add_option("--processes", options.processes,
                 "generator processes; each can hold as many streams as its limit of open files allows")
      ->check(CLI::Range(1, 1024));
}

void add_clients(CLI::App& app, Options& options) {
  app.add_option("--data", options.data, "payload of the hand-off; {number} in it stands for the stream's number")
      ->type_name("JSON");
  app.add_option("--streams-per-number", options.streams_per_number, "streams in a row that have the same number")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--client", options.client,
                 "the client's socket: one end of a socket pair, or of a loopback connection; tls: an encrypted one")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, ClientKind>{
              {"unix", ClientKind::kUnix}, {"tcp", ClientKind::kTcp}, {"tls", ClientKind::kTls}}))
      ->option_text("unix|tcp|tls [unix]");
  app.add_option("--slow", options.slow_bytes_per_s, "bytes that each client reads a second; 0: all at once")
      ->type_name("BYTES_PER_S");
  app.add_option_function<std::string>(
         "--abort-after",
         [&options](const std::string& text) {
           Result<AbortAfter> abort_after = parse_abort_after(text);
           if (!abort_after) throw CLI::ValidationError("--abort-after", abort_after.error().message);
           options.abort_after = *abort_after;
         },
         "each client leaves after N events, or after N bytes (Nb); counted as completed")
      ->type_name("N|Nb");
  add_duration(app, "--leave-after", options.leave_after, "0",
               "each client leaves this time after its hand-off, and waits until the daemon closes; 0: stays");
  app.add_option("--events", options.expected_events, "events that an answer must have; 0: at least one");
  app.add_flag("--any-end", options.any_end,
               "an answer may end with its connection; otherwise \"data: [DONE]\" must be its last event");
  app.add_flag("--wait-ack", options.wait_ack, "wait for the daemon's acknowledgement before closing");
}

}  // namespace

Options read_options(int argc, char** argv) {
  Options options;
  options.socket_path = handoff_protocol::kDefaultSocketPath;
  CLI::App app("Hands clients over to a streaming daemon, as mod_socket_handoff does, and measures their answers.",
               "handoff-bench");
  app.option_defaults()->always_capture_default();
  app.add_option("--socket", options.socket_path, "the daemon's Unix socket, of either type");
  add_load(app, options);
  add_clients(app, options);
  app.add_option("--pid", options.pid, "measure this process too: CPU, resident memory, threads")->type_name("PID");
  app.add_option("--output", options.output,
                 "write the results to this file as JSON; -: to standard output, and the table to standard error")
      ->type_name("FILE");
  app.add_option("--samples", options.samples, "write the counts to this file each second, as CSV")->type_name("FILE");
  app.add_flag("--verbose", options.verbose, "write a line to standard error when a stream ends");
  const std::vector<std::string> arguments = with_two_dashes(
      argc, argv, [&app](const std::string& flag) { return app.get_option_no_throw(flag) != nullptr; });
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 wants the last first
    if (options.data.size() > handoff_protocol::kMaxInlinePayloadBytes) {
      throw CLI::ValidationError("--data", "is larger than a hand-off's message");
    }
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  if (options.data.empty()) options.data.assign(1, handoff_protocol::kNoPayload);
  return options;
}

Result<AbortAfter> parse_abort_after(const std::string& text) {
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  if (error != std::errc{} || number == 0 || (unit != "" && unit != "b")) {
    return Error{"must be a number of events such as 5, or of bytes such as 1000b, not " + text};
  }
  if (unit == "b") return AbortAfter{.bytes = number};
  if (number > UINT32_MAX) return Error{"is too large: " + text};
  return AbortAfter{.events = static_cast<std::uint32_t>(number)};
}

std::uint32_t share_of(std::uint32_t total, std::uint32_t processes, std::uint32_t process) {
  return total / processes + (process < total % processes ? 1 : 0);
}

// One for each client's end. The others are the process's: a hand-off's sockets, and the listeners for TCP clients.
std::uint64_t descriptors_needed(const Options& options) {
  constexpr std::uint64_t kOwn = 64;
  std::uint64_t streams = share_of(options.connections, options.processes, 0);
  if (options.in_flight > 0)
    streams = std::min<std::uint64_t>(streams, share_of(options.in_flight, options.processes, 0));
  return streams + kOwn;
}

}  // namespace streaming::bench
