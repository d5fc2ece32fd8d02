// SPDX-License-Identifier: Apache-2.0
#include "config/manual_page.h"

#include <string_view>

#include "config/option_table.h"

namespace streaming {
namespace {

constexpr std::string_view kHead = R"(.SH NAME
streaming\-daemon \- streams LLM answers to clients that Apache hands over
.SH SYNOPSIS
.B streaming\-daemon
.RI [ FLAG ...]
.SH DESCRIPTION
A web application lets Apache hand a client's connection over
.RB ( mod_socket_handoff ).
.B streaming\-daemon
receives it on a Unix socket, asks an LLM's API, and streams the answer to the client as Server\-Sent Events. One thread per
CPU serves many thousands of clients at once.
.PP
It uses io_uring of Linux 6.1 and later, and epoll where that is missing or forbidden
.RB ( server.engine ).
It needs Linux 4.18 or later.
)";

// The flags that are not settings, and therefore not in the table. A test compares them with those of --help.
constexpr std::string_view kGeneralFlags = R"(.SH FLAGS
The section SETTINGS has the flags of settings. The others are:
.TP
.B \-\-config \fIFILE
read settings from this file instead of the first that exists of
.IR ./streaming\-daemon.toml ,
.I /etc/streaming\-daemon/config.toml
and
.IR /etc/streaming\-daemon.toml .
.TP
.B \-\-check\-config
check all settings and end: status 0 if the daemon could start.
.TP
.B \-\-answers
list the kept answers of the daemon that runs, whose monitoring it asks, and the reports of answers that were given up, one
line each, then totals, and end. Run it with the daemon's settings, as its user.
.TP
.B \-\-undelivered
list the reports of answers that were given up, one line each, and end.
.TP
.B \-\-resend
have these reports delivered, by the daemon that runs or by the next start, and end. Run it as the daemon's user.
.TP
.B \-\-print\-config
print the settings in force, as a TOML file without keys, and end.
.TP
.B \-\-convert \fIFILE
print the settings of another daemon's file (YAML or TOML) as a file for this daemon, and end.
Comments name the settings that cannot be carried over.
.TP
.B \-\-help
print the flags and end.
.TP
.B \-\-version
print the version and end.
)";

constexpr std::string_view kSettingsHead = R"(.SH SETTINGS
Set each by a flag, by an environment variable, or in the file. A flag takes precedence over a variable, a variable over the
file, and the file over the default. The file is TOML: the part of a key before its last dot is its section. An unknown key
or flag, or a value out of its range, is an error at the start. An unknown variable that begins like these is a warning.
Milliseconds may be written with units: 200ms, 30s, 1m30s. A switch is true or false, on or off, yes or no, 1 or 0, also in
capital letters.
)";

constexpr std::string_view kTail = R"(.SH SIGNALS
One that comes while the daemon starts waits until it serves.
.TP
.BR SIGTERM ", " SIGINT
stop accepting hand\-offs, let the streams end, then exit. A second signal ends the streams at once.
.TP
.B SIGHUP
read the settings again. If one is wrong, all keep their values. The log lists those that changed and those that need a
restart. If the daemon's program was replaced, start it as SIGUSR2 does.
.TP
.B SIGUSR2
start the program that is now at this one's path, with the same flags and the same socket. When that one serves, accept no
more hand\-offs and exit after the last stream. If it fails to start, this daemon continues.
.SH EXIT STATUS
0 after an orderly end, 1 if it could not start or go on; the standard error has the reason.
.SH FILES
.TP
.I /etc/streaming\-daemon/config.toml
the settings
.TP
.I /etc/streaming\-daemon/environment
environment variables of
.BR streaming\-daemon.service ,
including API keys
.TP
.I /run/streaming\-daemon.sock
the socket on which Apache hands clients over
.TP
.I /var/lib/streaming\-daemon/answers
the journal of reports of answers
.TP
.I /var/spool/streaming\-daemon
a directory for attachments, if
.B attachments.data_dir
names it
.SH SEE ALSO
.BR handoff\-top (1),
.BR handoff\-bench (1),
.BR systemctl (1),
.BR apache2 (8)
)";

// Keeps hyphens that readers copy, and escapes what roff would interpret.
std::string escaped(std::string_view text) {
  std::string roff;
  for (const char character : text) {
    if (character == '\\') {
      roff += "\\e";
    } else if (character == '-') {
      roff += "\\-";
    } else {
      roff += character;
    }
  }
  return roff;
}

template <typename Number>
std::string range_of(const Option& option, std::string_view unit) {
  const auto* number = std::get_if<Number>(&option.value);
  if (number == nullptr) return {};
  return std::to_string(number->least) + " to " + std::to_string(number->most) + std::string(unit);
}

std::string range_of(const Option& option) {
  return range_of<Integer>(option, "") + range_of<Milliseconds>(option, " milliseconds");
}

// "--flag VALUE"; the key for a setting without a flag.
std::string title_of(const Option& option) {
  if (option.flag.empty()) return ".B " + escaped(option.key);
  const std::string_view behind = placeholder(option);
  return ".B " + escaped(option.flag) + (behind.empty() ? "" : " \\fI" + escaped(behind));
}

void append_fact(std::string& roff, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  roff += ".br\n" + std::string(name) + ": " + escaped(value) + "\n";
}

std::string entry_of(const Option& option) {
  std::string roff = ".TP\n" + title_of(option) + "\n" + escaped(option.help) + ".\n";
  append_fact(roff, "Or", option.other_flags);
  append_fact(roff, "Key", option.key);
  append_fact(roff, "Variable", option.variable);
  append_fact(roff, "Range", range_of(option));
  if (!option.key.empty()) append_fact(roff, "Default", option_text(Config{}, option));
  return roff;
}

}  // namespace

std::string manual_page() {
  std::string roff = ".TH STREAMING\\-DAEMON 8 \"\" \"socket\\-handoff " STREAMING_DAEMON_VERSION "\"\n";
  roff.append(kHead).append(kGeneralFlags).append(kSettingsHead);
  for (const Option& option : option_table()) roff += entry_of(option);
  return roff.append(kTail);
}

}  // namespace streaming
