# SPDX-License-Identifier: Apache-2.0
# What became of a hand-off is seen: in the access log, and counted in mod_status' page.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(status restart);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::ScriptedDaemon ();
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

my $daemon  = Handoff::Daemon->start;
my $missing = Handoff::Daemon->new_socket_path;
my $full    = Handoff::ScriptedDaemon->start(sub { Handoff::ScriptedDaemon::says($_[0], 'R{"status":503}') });
my $mark    = 0;

sub log_line {
  my ($path) = @_;
  my $lines;
  wait_until {
    open my $log, '<', Apache::Test::vars('t_logs') . '/handoff_log' or return;
    local $/;
    ($lines) = grep {/\Q$mark\E /} split /\n/, scalar(<$log>) // '';
  } "a line with $mark in the log";
  return $lines;
}

sub counts {
  my $status = status();
  return { map { lc s/^SocketHandoff//r => $status->{$_} } grep {/^SocketHandoff/} keys %$status };
}

sub is_seen {
  my ($outcome, $path, %query) = @_;
  my $before = counts();
  $mark = "mark-$$-" . rand;
  get(path_with($path, data => '{"prompt":"seen"}', %query, zz => $mark));
  like log_line(), qr/^$outcome $outcome \d/, "$path: $outcome, in the log";
  my $after = counts();
  is $after->{$_}, $before->{$_} + ($_ eq $outcome ? 1 : 0), "$path: $outcome, counted as $_" for sort keys %$before;
}

is_seen('accepted', '/in/acknowledge/asks.php', socket => $daemon->socket);
is_seen('accepted', '/asks.php', socket => $daemon->socket);
is_seen('accepted', '/rewritten/redirected', socket => $daemon->socket);
is_seen('refused', '/in/acknowledge/asks.php', socket => $full->socket);
is_seen('refused', '/in/acknowledge-with-error-document/asks.php', socket => $full->socket);
is_seen('failed', '/asks.php', socket => $missing);
is_seen('failed', '/in/with-error-document/asks.php', socket => $missing);
is_seen('failed', '/asks.php', socket => '/etc/x.sock');

{
  open my $errors, '<', Apache::Test::vars('t_logs') . '/error_log' or die $!;
  ok grep({/:notice\].*SH0009: mod_socket_handoff\/\d+\.\d+\.\d+ is loaded/} <$errors>), "the log has the module's version";
}
like get('/server-status')->{body}, qr/<dt>accepted: [1-9]/, "mod_status' page has the figures too";
{
  my $before = counts();
  restart('USR1');
  is_deeply counts(), $before, "mod_status' counters survive a graceful restart";
}
my $log = do { open my $file, '<', Apache::Test::vars('t_logs') . '/handoff_log' or die $!; local $/; <$file> };
unlike $log, qr{server-status}, 'the hand-off log has no other requests';

done_testing;
