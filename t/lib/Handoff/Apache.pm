# SPDX-License-Identifier: Apache-2.0
package Handoff::Apache;

# The server under test, seen from outside: its log, its processes and their descriptors, its scoreboard.

use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Carp         'croak';
use Exporter     'import';

use Handoff::Client 'get';
use Handoff::Wait   'wait_until';

our @EXPORT_OK = qw(access_log children descriptors errors_since handoff_log holders log_mark log_since port_of restart status times_logged wait_for_access wait_for_log);

sub read_file {
  my ($path) = @_;
  open my $file, '<', $path or croak "$path: $!";
  local $/;
  return scalar <$file>;
}

# The log's present end; log_since returns the text after it.
sub log_mark { return -s log_path() }

sub log_path { return Apache::Test::vars('t_logs') . '/error_log' }

sub log_since {
  my ($mark) = @_;
  return substr read_file(log_path()), $mark;
}

# The log since the mark, as soon as it contains the pattern.
sub wait_for_log {
  my ($mark, $pattern) = @_;
  my $log;
  wait_until { ($log = log_since($mark)) =~ $pattern } "$pattern in the error log";
  return $log;
}

# How often the log contains the pattern since the mark, as soon as that is so often: the line of a hand-off may come after
# the client's answer.
sub times_logged {
  my ($mark, $pattern, $expected) = @_;
  my $times;
  wait_until { ($times = () = log_since($mark) =~ /$pattern/g) >= $expected } "$pattern $expected times in the error log";
  return $times;
}

# The lines since the mark that report an error, but not those of the MPM, which depend on when children end (a full
# scoreboard, no idle thread), nor that mod_http2 does not serve with prefork.
sub errors_since {
  my ($mark) = @_;
  return grep { /:(?:error|crit|alert|emerg)\]|http2:warn/ && !/ \[mpm_|AH10034/ } split /\n/, log_since($mark);
}

sub access_log { return read_file(Apache::Test::vars('t_logs') . '/access_log') }

# "%{SOCKET_HANDOFF}e %{SOCKET_HANDOFF}n %>s %r" of each request that asked for a hand-off.
sub handoff_log { return read_file(Apache::Test::vars('t_logs') . '/handoff_log') }

# True as soon as the access log has a line that matches.
sub wait_for_access {
  my ($pattern) = @_;
  return wait_until { access_log() =~ $pattern } "$pattern in the access log";
}

sub parent {
  my ($pid) = read_file(Apache::Test::vars('t_pid_file')) =~ /(\d+)/;
  return $pid;
}

sub children {
  my $parent = parent();
  return sort { $a <=> $b } split ' ', read_file("/proc/$parent/task/$parent/children");
}

# How many descriptors a process has open.
sub descriptors {
  my ($pid) = @_;
  opendir my $directory, "/proc/$pid/fd" or croak "/proc/$pid/fd: $!";
  return scalar grep {/^\d+$/} readdir $directory;
}

# The children that have this file open.
sub holders {
  my ($path) = @_;
  return grep {
    my $pid = $_;
    grep { (readlink // '') eq $path } glob "/proc/$pid/fd/*";
  } children();
}

# mod_status's page as a hash, with the page's keys: BusyWorkers, Scoreboard...
sub status {
  return { get('/server-status?auto', 'Connection: close')->{body} =~ /^(\w+): (.*)$/mg };
}

# restart('USR1') is graceful, restart('HUP') is not. Returns when the next generation answers.
sub restart {
  my ($signal) = @_;
  my $generation = sub { eval { status()->{ParentServerConfigGeneration} } // -1 };
  my $before     = $generation->();
  kill $signal => parent();
  wait_until { $generation->() > $before } "the restart by $signal";
}

# The port of a virtual host of conf/hosts.conf.in.
sub port_of {
  my ($host) = @_;
  return Apache::Test::vars("${host}_port") // croak "no virtual host $host";
}

1;
