// SPDX-License-Identifier: Apache-2.0
// Config: every setting of the daemon with its default. Made at the start and at each reload, then only read, by all
// threads.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/account.h"
#include "config/configured_headers.h"
#include "protocol/handoff_protocol.h"

namespace streaming {

// Programs with their arguments, by name.
using NamedCommands = std::map<std::string, std::vector<std::string>, std::less<>>;

// A profile's values as text, by the keys of the option table.
using ProfileTexts = std::map<std::string, std::string, std::less<>>;

// Sources of the values that are not defaults, by key: "FILE:LINE: KEY", "VARIABLE" or "--flag".
using ValueSources = std::map<std::string, std::string, std::less<>>;

struct Config {
  std::string socket_path = handoff_protocol::kDefaultSocketPath;
  std::string socket_type;  // empty: the passed socket's, otherwise seqpacket
  mode_t socket_mode = 0660;
  Account socket_owner;  // none: the process's own
  Account socket_group;
  std::vector<Account> allowed_users;  // empty: everyone who may connect to the socket
  std::int64_t max_connections = 0;    // 0: kDefaultMaxConnections, or what the limit of open files allows
  std::int64_t workers = 0;            // 0: one per CPU
  std::string engine = "auto";
  std::int64_t max_payload_bytes = 1024 * 1024;
  std::int64_t max_queued_bytes = 64 * 1024;
  std::int64_t max_held_bytes = 0;  // for all requests together; 0: a part of the memory, see most_held_bytes()
  std::int64_t max_streams_per_user = 0;  // 0: no limit
  std::int64_t user_rate_limit = 0;       // starts a minute; 0: no limit
  Duration handoff_timeout{5000};
  Duration write_timeout{30'000};
  Duration heartbeat_interval{15'000};  // 0: none
  Duration max_stream_duration{300'000};
  Duration shutdown_timeout{120'000};

  std::string backend = "mock";
  std::vector<std::string> fallback;  // the backends to try after it
  std::int64_t retries = 0;
  Duration try_timeout{0};  // 0: none
  Duration mock_delay{50};
  Duration typing_delay{40};
  std::string typing_fortune = "/usr/games/fortune";  // empty: none
  bool typing_use_api = false;
  NamedCommands exec_commands;
  std::int64_t exec_max_children = 64;

  std::string openai_api = "chat";
  std::string openai_api_base = "https://api.openai.com/v1";
  std::string openai_api_key;
  std::string openai_api_key_file;
  std::string openai_api_key_header = "Authorization";
  std::string openai_api_socket;  // empty: TCP
  std::string openai_model = "gpt-4o-mini";
  std::string openai_format;  // empty: response_format; the same for the other backends
  ConfiguredHeaders openai_headers;
  bool openai_http2 = true;
  bool openai_h2c = false;
  bool openai_insecure_ssl = false;

  std::string anthropic_api_base = "https://api.anthropic.com";
  std::string anthropic_api_key;
  std::string anthropic_api_key_file;
  std::string anthropic_api_socket;  // empty: TCP
  std::string anthropic_model = "claude-haiku-4-5";
  std::string anthropic_format;
  std::int64_t anthropic_max_tokens = 4096;
  ConfiguredHeaders anthropic_headers;
  bool anthropic_http2 = true;
  bool anthropic_insecure_ssl = false;

  std::string langgraph_api_base = "https://api.langchain.com/v1";
  std::string langgraph_api_key;
  std::string langgraph_api_key_file;
  std::string langgraph_api_socket;  // empty: TCP
  std::string langgraph_assistant_id = "agent";
  std::string langgraph_format;
  std::vector<std::string> langgraph_stream_mode{"messages-tuple"};
  std::string langgraph_content_format = "text";
  ConfiguredHeaders langgraph_headers;
  bool langgraph_http2 = true;
  bool langgraph_h2c = false;
  bool langgraph_insecure_ssl = false;
  std::map<std::string, ProfileTexts, std::less<>> langgraph_profiles;  // by name

  std::string backend_ca_file;     // empty: the system's
  std::string backend_user_agent;  // empty: the daemon's, see user_agent()
  std::int64_t max_event_bytes = 4 * 1024 * 1024;
  Duration first_byte_timeout{30'000};
  Duration idle_timeout{60'000};

  std::string attachments_data_dir;  // empty: no attachments
  std::int64_t attachments_max_files = 16;
  std::int64_t attachments_max_file_bytes = 5 * 1024 * 1024;
  std::int64_t attachments_max_total_bytes = 10 * 1024 * 1024;
  bool attachments_delete_after_use = false;

  std::string answers_journal_dir;  // empty: in the service's state directory, if there is one
  std::string answers_sync = "end";
  std::int64_t answers_max_journal_bytes = std::int64_t{1} << 30;  // of the process; 0: no limit
  std::string hook_url;     // empty: each hook has its own
  std::string hook_socket;  // empty: TCP
  std::string hook_secret;
  std::string hook_secret_file;
  std::string hook_ca_file;  // empty: the system's
  bool hook_insecure_ssl = false;
  Duration hook_timeout{10'000};
  std::map<std::string, ProfileTexts, std::less<>> hooks;  // by name
  std::string store_url;  // empty: there is no store
  std::string store_password;
  std::string store_password_file;
  std::string store_prefix = "socket-handoff:";
  std::string store_ca_file;  // empty: the system's
  Duration store_timeout{2000};
  bool store_required = false;  // for answers that hosts share
  bool limits_shared = false;
  std::int64_t user_token_budget = 0;  // 0: no limit
  std::int64_t user_token_window_seconds = 86'400;
  std::int64_t answers_max_answer_bytes = 1024 * 1024;
  std::int64_t answers_max_kept_bytes = 256 * 1024 * 1024;
  std::int64_t answers_max_followers = 16;
  Duration answers_keep{300'000};  // after the end
  bool answers_report_for_others = false;

  std::string response_format = "content";
  bool early_head = true;
  bool done_event = false;

  bool metrics_enabled = true;
  std::string metrics_address = "127.0.0.1:9090";  // empty: no endpoint
  std::int64_t metrics_port = 0;                   // if not 0: this port of 127.0.0.1 instead

  std::string log_level = "info";
  std::string log_format = "text";
  std::string log_file = "stderr";
  bool benchmark = false;

  ValueSources sources;
  std::vector<std::string> remarks;  // warnings about the sources, a sentence each
};

inline constexpr std::int64_t kDefaultMaxConnections = 50'000;

}  // namespace streaming
