#include "config/option_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "config/named_commands.h"
#include "config/secret_file.h"

namespace streaming {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

constexpr std::array kOptions{
    Option{"server.socket_path", "--socket", "DAEMON_SOCKET_PATH", Text{&Config::socket_path},
           "Unix socket (SOCK_SEQPACKET) on which Apache hands clients over", Effect::kRestart},
    Option{"server.socket_mode", "--socket-mode", "DAEMON_SOCKET_MODE", FileMode{&Config::socket_mode},
           "permissions of the socket, octal", Effect::kRestart},
    Option{"server.max_connections", "--max-connections", "DAEMON_MAX_CONNECTIONS",
           Integer{&Config::max_connections, 0, 10'000'000},
           "streams at once; the next client is refused with 503. 0: 50000, or what the limit of open files allows",
           Effect::kRestart},
    Option{"server.workers", "--workers", "DAEMON_WORKERS", Integer{&Config::workers, 0, 1024},
           "threads, each with its own ring. 0: one per CPU", Effect::kRestart},
    Option{"server.max_payload_bytes", "--max-payload-bytes", "DAEMON_MAX_PAYLOAD_BYTES",
           Integer{&Config::max_payload_bytes, 1024, handoff_protocol::kMaxPayloadBytes},
           "largest payload of a hand-off; a larger one is refused with 413", Effect::kRestart},
    Option{"server.max_queued_bytes", "--max-queued-bytes", "DAEMON_MAX_QUEUED_BYTES",
           Integer{&Config::max_queued_bytes, 4096, 64 * 1024 * 1024},
           "how much of an answer may wait for a slow client; over it the upstream is paused"},
    Option{"server.max_streams_per_user", "--max-streams-per-user", "DAEMON_MAX_STREAMS_PER_USER",
           Integer{&Config::max_streams_per_user, 0, 1'000'000},
           "streams at once of one user_id; the next is refused with 429. 0: no limit"},
    Option{"server.user_rate_limit", "--user-rate-limit", "DAEMON_USER_RATE_LIMIT",
           Integer{&Config::user_rate_limit, 0, 1'000'000},
           "streams that one user_id may start a minute; the next is refused with 429. 0: no limit"},
    Option{"server.handoff_timeout_ms", "--handoff-timeout-ms", "DAEMON_HANDOFF_TIMEOUT_MS",
           Milliseconds{&Config::handoff_timeout, 1, kHourMs},
           "how long a connection of Apache may take to send its hand-off; then it is closed"},
    Option{"server.write_timeout_ms", "--write-timeout-ms", "DAEMON_WRITE_TIMEOUT_MS",
           Milliseconds{&Config::write_timeout, 1, kHourMs},
           "how long a client may take nothing of what waits for it; then it is closed"},
    Option{"server.heartbeat_interval_ms", "--heartbeat-interval-ms", "DAEMON_HEARTBEAT_INTERVAL_MS",
           Milliseconds{&Config::heartbeat_interval, 0, kHourMs},
           "after how much silence a client gets a comment, so that proxies keep the connection. 0: never"},
    Option{"server.max_stream_duration_ms", "--max-stream-duration-ms", "DAEMON_MAX_STREAM_DURATION_MS",
           Milliseconds{&Config::max_stream_duration, 0, 24 * kHourMs},
           "longest life of a stream; it ends with an error event. 0: no limit"},
    Option{"server.shutdown_timeout_ms", "--shutdown-timeout-ms", "DAEMON_SHUTDOWN_TIMEOUT_MS",
           Milliseconds{&Config::shutdown_timeout, 0, kHourMs},
           "how long SIGTERM lets streams run on before it ends them with an error event"},
    Option{"backend.provider", "--backend", "DAEMON_BACKEND_PROVIDER", Text{&Config::backend},
           "where answers come from, unless the hand-off names its own: mock, openai, anthropic, langgraph, typing, "
           "exec"},
    Option{"backend.mock.message_delay_ms", "--delay", "DAEMON_TOKEN_DELAY_MS",
           Milliseconds{&Config::mock_delay, 0, kHourMs}, "mock: time between events"},
    Option{"backend.typing.delay_ms", "", "DAEMON_TYPING_DELAY_MS", Milliseconds{&Config::typing_delay, 1, 60'000},
           "typing: time between two letters; about, as a human's"},
    Option{"backend.typing.fortune", "", "DAEMON_TYPING_FORTUNE", OptionalText{&Config::typing_fortune},
           "typing: program that prints what is typed, if it is there. Empty: built-in sentences"},
    Option{"backend.exec.commands", "", "", Commands{&Config::exec_commands},
           "exec: programs by name; the hand-off's profile names one, else it is the one named default"},
    Option{"backend.exec.max_children", "", "DAEMON_EXEC_MAX_CHILDREN", Integer{&Config::exec_max_children, 1, 10'000},
           "exec: programs at once; the next client is refused with 503"},
    Option{"backend.openai.api", "--openai-api", "OPENAI_API", Text{&Config::openai_api},
           "openai: which of the APIs: chat (Chat Completions) or responses (Responses)"},
    Option{"backend.openai.api_base", "--openai-base", "OPENAI_API_BASE", Text{&Config::openai_api_base},
           "openai: URL of the API, without the /chat/completions; may have a query, and {model} in it"},
    Option{"backend.openai.api_key", "", "OPENAI_API_KEY",
           Secret{&Config::openai_api_key, &Config::openai_api_key_file},
           "openai: the key. The variable, or a file of its own, is safer than the configuration"},
    Option{"backend.openai.api_key_file", "", "OPENAI_API_KEY_FILE", OptionalText{&Config::openai_api_key_file},
           "openai: a file with the key; %d/NAME is a credential of systemd. OPENAI_API_KEY goes before it"},
    Option{
        "backend.openai.api_key_header", "", "OPENAI_API_KEY_HEADER", Text{&Config::openai_api_key_header},
        "openai: the header for the key: Authorization (as a bearer's), or one that has it alone, as Azure's api-key"},
    Option{"backend.openai.model", "--openai-model", "OPENAI_MODEL", Text{&Config::openai_model},
           "openai: the model, unless the hand-off names its own"},
    Option{"backend.openai.api_socket", "--openai-socket", "OPENAI_API_SOCKET",
           OptionalText{&Config::openai_api_socket},
           "openai: Unix socket that is connected to instead of the URL's host, by HTTP/1.1"},
    Option{"backend.openai.http2_enabled", "--http2-enabled", "OPENAI_HTTP2_ENABLED", Boolean{&Config::openai_http2},
           "openai: use HTTP/2 where an https server offers it"},
    Option{"backend.openai.h2c", "", "OPENAI_H2C", Boolean{&Config::openai_h2c},
           "openai: speak HTTP/2 to an http server too, which must know it"},
    Option{"backend.openai.insecure_ssl", "", "OPENAI_INSECURE_SSL", Boolean{&Config::openai_insecure_ssl},
           "openai: do not verify the server's certificate; for tests alone"},
    Option{"backend.ca_file", "--ca-file", "DAEMON_CA_FILE", OptionalText{&Config::backend_ca_file},
           "file of certificates (PEM) to trust instead of the system's authorities"},
    Option{"backend.anthropic.api_base", "--anthropic-base", "ANTHROPIC_API_BASE", Text{&Config::anthropic_api_base},
           "anthropic: URL of the API, without the /v1/messages"},
    Option{"backend.anthropic.api_key", "", "ANTHROPIC_API_KEY",
           Secret{&Config::anthropic_api_key, &Config::anthropic_api_key_file},
           "anthropic: the key. The variable, or a file of its own, is safer than the configuration"},
    Option{"backend.anthropic.api_key_file", "", "ANTHROPIC_API_KEY_FILE",
           OptionalText{&Config::anthropic_api_key_file},
           "anthropic: a file with the key; %d/NAME is a credential of systemd. ANTHROPIC_API_KEY goes before it"},
    Option{"backend.anthropic.api_socket", "--anthropic-socket", "ANTHROPIC_API_SOCKET",
           OptionalText{&Config::anthropic_api_socket},
           "anthropic: Unix socket that is connected to instead of the URL's host, by HTTP/1.1"},
    Option{"backend.anthropic.model", "--anthropic-model", "ANTHROPIC_MODEL", Text{&Config::anthropic_model},
           "anthropic: the model, unless the hand-off names its own"},
    Option{"backend.anthropic.max_tokens", "", "ANTHROPIC_MAX_TOKENS",
           Integer{&Config::anthropic_max_tokens, 1, 10'000'000},
           "anthropic: the longest answer in tokens, which the API wants to be told, unless the hand-off says its own"},
    Option{"backend.anthropic.http2_enabled", "", "ANTHROPIC_HTTP2_ENABLED", Boolean{&Config::anthropic_http2},
           "anthropic: use HTTP/2 where an https server offers it"},
    Option{"backend.anthropic.insecure_ssl", "", "ANTHROPIC_INSECURE_SSL", Boolean{&Config::anthropic_insecure_ssl},
           "anthropic: do not verify the server's certificate; for tests alone"},
    Option{"backend.langgraph.api_base", "--langgraph-base", "LANGGRAPH_API_BASE", Text{&Config::langgraph_api_base},
           "langgraph: URL of the API, without the /runs/stream"},
    Option{"backend.langgraph.api_key", "", "LANGGRAPH_API_KEY",
           Secret{&Config::langgraph_api_key, &Config::langgraph_api_key_file},
           "langgraph: the key. The variable, or a file of its own, is safer than the configuration"},
    Option{"backend.langgraph.api_key_file", "", "LANGGRAPH_API_KEY_FILE",
           OptionalText{&Config::langgraph_api_key_file},
           "langgraph: a file with the key; %d/NAME is a credential of systemd. LANGGRAPH_API_KEY goes before it"},
    Option{"backend.langgraph.api_socket", "--langgraph-socket", "LANGGRAPH_API_SOCKET",
           OptionalText{&Config::langgraph_api_socket},
           "langgraph: Unix socket that is connected to instead of the URL's host, by HTTP/1.1"},
    Option{"backend.langgraph.assistant_id", "--langgraph-assistant", "LANGGRAPH_ASSISTANT_ID",
           Text{&Config::langgraph_assistant_id}, "langgraph: the assistant, unless the hand-off names its own"},
    Option{"backend.langgraph.stream_mode", "", "LANGGRAPH_STREAM_MODE", WordList{&Config::langgraph_stream_mode},
           "langgraph: what the API sends, unless the hand-off says it"},
    Option{"backend.langgraph.content_format", "", "LANGGRAPH_CONTENT_FORMAT", Text{&Config::langgraph_content_format},
           "langgraph: how prompt and system are written into the input's messages: text, or blocks (a list of them)"},
    Option{"backend.langgraph.http2_enabled", "", "LANGGRAPH_HTTP2_ENABLED", Boolean{&Config::langgraph_http2},
           "langgraph: use HTTP/2 where an https server offers it"},
    Option{"backend.langgraph.h2c", "", "LANGGRAPH_H2C", Boolean{&Config::langgraph_h2c},
           "langgraph: speak HTTP/2 to an http server too, which must know it"},
    Option{"backend.langgraph.insecure_ssl", "", "LANGGRAPH_INSECURE_SSL", Boolean{&Config::langgraph_insecure_ssl},
           "langgraph: do not verify the server's certificate; for tests alone"},
    Option{"backend.retries", "--retries", "DAEMON_BACKEND_RETRIES", Integer{&Config::retries, 0, 10},
           "how often a backend that fails before its first event is tried again, where that makes sense"},
    Option{"backend.fallback", "--fallback", "DAEMON_BACKEND_FALLBACK", WordList{&Config::fallback},
           "backends to try, in this order, when the first fails before its first event"},
    Option{
        "backend.try_timeout_ms", "--try-timeout-ms", "DAEMON_TRY_TIMEOUT_MS",
        Milliseconds{&Config::try_timeout, 0, kHourMs},
        "how long one try may take for its first event before the next begins. 0: first_byte_timeout_ms, for all tries "
        "together"},
    Option{"backend.first_byte_timeout_ms", "--first-byte-timeout-ms", "DAEMON_FIRST_BYTE_TIMEOUT_MS",
           Milliseconds{&Config::first_byte_timeout, 1, kHourMs},
           "how long an upstream may take for its first event; then the stream ends with an error event"},
    Option{"backend.idle_timeout_ms", "--idle-timeout-ms", "DAEMON_IDLE_TIMEOUT_MS",
           Milliseconds{&Config::idle_timeout, 1, kHourMs},
           "how long an upstream may be silent between two events; then the stream ends with an error event"},
    Option{"attachments.data_dir", "--data-dir", "DAEMON_DATA_DIR", OptionalText{&Config::attachments_data_dir},
           "directory beneath which a hand-off's attachments and images are; nothing else is read. Empty: none are"},
    Option{"attachments.max_files", "", "DAEMON_ATTACHMENTS_MAX_FILES",
           Integer{&Config::attachments_max_files, 1, 1000}, "attachments of one hand-off; more are refused with 400"},
    Option{"attachments.max_file_bytes", "", "DAEMON_ATTACHMENTS_MAX_FILE_BYTES",
           Integer{&Config::attachments_max_file_bytes, 1, 64 * 1024 * 1024},
           "largest attachment; a larger one ends the stream with an error"},
    Option{"attachments.max_total_bytes", "", "DAEMON_ATTACHMENTS_MAX_TOTAL_BYTES",
           Integer{&Config::attachments_max_total_bytes, 1, 64 * 1024 * 1024},
           "all attachments of one hand-off together"},
    Option{"attachments.delete_after_use", "", "DAEMON_ATTACHMENTS_DELETE_AFTER_USE",
           Boolean{&Config::attachments_delete_after_use},
           "remove attachments when the request that holds them goes to the API"},
    Option{"response.format", "--format", "DAEMON_RESPONSE_FORMAT", Text{&Config::response_format},
           "how clients get answers, unless the hand-off names its own format: content, raw, ui-message"},
    Option{"response.early_head", "", "DAEMON_RESPONSE_EARLY_HEAD", Boolean{&Config::early_head},
           "send the head at once. false: with the first event, so that an error before it gets a status of its own"},
    Option{"response.done_event", "", "DAEMON_RESPONSE_DONE_EVENT", Boolean{&Config::done_event},
           "put an event of type \"done\" before the end, for clients on EventSource"},
    Option{"metrics.listen_addr", "--metrics-addr", "DAEMON_METRICS_ADDR", OptionalText{&Config::metrics_address},
           "ADDRESS:PORT on which /metrics, /healthz, /readyz and /streams are served. Empty: nowhere",
           Effect::kRestart},
    Option{"", "--metrics", "", Integer{&Config::metrics_port, 0, 65535},
           "this port of 127.0.0.1 in place of metrics.listen_addr", Effect::kRestart},
    Option{"logging.level", "--log-level", "DAEMON_LOG_LEVEL", Text{&Config::log_level},
           "least level that is logged: debug, info, warn, error"},
    Option{"logging.format", "--log-format", "DAEMON_LOG_FORMAT", Text{&Config::log_format},
           "how lines are written: text, json"},
    Option{"logging.file", "--log-file", "DAEMON_LOG_FILE", Text{&Config::log_file},
           "file that lines are appended to, opened again at SIGHUP; stderr: the standard error"},
    Option{"", "--benchmark", "", Boolean{&Config::benchmark}, "log no line a stream, and print a summary at the end",
           Effect::kRestart},
};

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

std::optional<std::int64_t> parse_integer(std::string_view text, int base = 10) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Error invalid(std::string_view text, std::string must_be) {
  return Error{"must be " + must_be + ", not \"" + std::string(text) + "\""};
}

Result<std::int64_t> parse_in_range(std::string_view text, std::int64_t least, std::int64_t most, const char* what) {
  const std::optional<std::int64_t> number = parse_integer(text);
  if (number && *number >= least && *number <= most) return *number;
  return invalid(text, std::string(what) + " from " + std::to_string(least) + " to " + std::to_string(most));
}

Status set_boolean(bool& member, std::string_view text) {
  if (text == "true" || text == "on" || text == "1") {
    member = true;
  } else if (text == "false" || text == "off" || text == "0") {
    member = false;
  } else {
    return invalid(text, "true or false");
  }
  return success();
}

Status set_mode(mode_t& member, std::string_view text) {
  if (text.starts_with("0o")) text.remove_prefix(2);
  const std::optional<std::int64_t> mode = parse_integer(text, 8);
  if (!mode || *mode < 0 || *mode > 0777) return invalid(text, "an octal file mode from 0000 to 0777");
  member = static_cast<mode_t>(*mode);
  return success();
}

Status set_words(std::vector<std::string>& member, std::string_view text) {
  constexpr std::string_view kBlank = " ";
  std::vector<std::string> words;
  for (std::string_view rest = text; !text.empty();) {
    const std::size_t comma = rest.find(',');
    std::string_view word = rest.substr(0, comma);
    word.remove_prefix(std::min(word.find_first_not_of(kBlank), word.size()));
    word = word.substr(0, word.find_last_not_of(kBlank) + 1);
    if (word.empty()) return invalid(text, "words with commas in between");
    words.emplace_back(word);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  member = std::move(words);
  return success();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

}  // namespace

std::span<const Option> option_table() {
  return kOptions;
}

std::string_view placeholder(const Option& option) {
  return std::visit(Overloaded{
                        [](const Integer&) { return "N"; },
                        [](const Milliseconds&) { return "MS"; },
                        [](const Text&) { return "TEXT"; },
                        [](const OptionalText&) { return "TEXT"; },
                        [](const WordList&) { return "WORD,..."; },
                        [](const Secret&) { return "TEXT"; },
                        [](const Commands&) { return "TABLE"; },
                        [&option](const Boolean&) { return option.key.empty() ? "" : "true|false"; },
                        [](const FileMode&) { return "MODE"; },
                    },
                    option.value);
}

Status set_option(Config& config, const Option& option, std::string_view text) {
  return std::visit(Overloaded{
                        [&](const Integer& integer) -> Status {
                          Result<std::int64_t> number = parse_in_range(text, integer.least, integer.most, "a number");
                          if (!number) return number.error();
                          config.*integer.member = *number;
                          return success();
                        },
                        [&](const Milliseconds& duration) -> Status {
                          Result<std::int64_t> number =
                              parse_in_range(text, duration.least, duration.most, "milliseconds");
                          if (!number) return number.error();
                          config.*duration.member = Duration(*number);
                          return success();
                        },
                        [&](const Text& string) -> Status {
                          if (text.empty()) return Error{"must not be empty"};
                          config.*string.member = text;
                          return success();
                        },
                        [&](const OptionalText& string) -> Status {
                          config.*string.member = text;
                          return success();
                        },
                        [&](const WordList& list) { return set_words(config.*list.member, text); },
                        [&](const Secret& secret) -> Status {
                          Result<std::string> cleaned = clean_secret(text);
                          if (!cleaned) return cleaned.error();
                          config.*secret.member = *cleaned;
                          return success();
                        },
                        [&](const Commands& commands) -> Status {
                          Result<NamedCommands> parsed = parse_commands(text);
                          if (!parsed) return parsed.error();
                          config.*commands.member = std::move(*parsed);
                          return success();
                        },
                        [&](const Boolean& boolean) { return set_boolean(config.*boolean.member, text); },
                        [&](const FileMode& mode) { return set_mode(config.*mode.member, text); },
                    },
                    option.value);
}

Status read_secret_files(Config& config) {
  for (const Option& option : kOptions) {
    const Secret* secret = std::get_if<Secret>(&option.value);
    if (secret == nullptr || (config.*secret->file).empty()) continue;
    const char* from_environment = std::getenv(std::string(option.variable).c_str());
    if (from_environment != nullptr && *from_environment != '\0') continue;
    Result<std::string> read = read_secret_file(config.*secret->file);
    if (!read) return read.error();
    config.*secret->member = *read;
  }
  return success();
}

std::string option_text(const Config& config, const Option& option) {
  return std::visit(Overloaded{
                        [&](const Integer& integer) { return std::to_string(config.*integer.member); },
                        [&](const Milliseconds& duration) { return std::to_string((config.*duration.member).count()); },
                        [&](const Text& string) { return config.*string.member; },
                        [&](const OptionalText& string) { return config.*string.member; },
                        [&](const WordList& list) { return joined(config.*list.member); },
                        [](const Secret&) { return std::string(); },
                        [&](const Commands& commands) { return commands_text(config.*commands.member); },
                        [&](const Boolean& boolean) { return std::string(config.*boolean.member ? "true" : "false"); },
                        [&](const FileMode& mode) {
                          char text[8];
                          std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(config.*mode.member));
                          return std::string(text);
                        },
                    },
                    option.value);
}

bool same_value(const Config& left, const Config& right, const Option& option) {
  return std::visit([&](const auto& value) { return left.*value.member == right.*value.member; }, option.value);
}

void copy_value(const Config& from, Config& to, const Option& option) {
  std::visit([&](const auto& value) { to.*value.member = from.*value.member; }, option.value);
}

}  // namespace streaming
