# SPDX-License-Identifier: Apache-2.0
# A daemon that is killed with -9 while systemd holds its socket: every client that it had not accepted gets an answer, from
# Apache or from the next daemon. No client waits for ever or gets nothing.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::ActivatedDaemon ();
use Handoff::Apache qw(status);
use Handoff::Client 'path_with';
use Handoff::Wait 'wait_until';

plan skip_all => 'there is no systemd-socket-activate' if !Handoff::ActivatedDaemon::is_possible();

# Fewer than Apache has workers, because each waits for the daemon's answer.
use constant CLIENTS => 16;
use constant KILLS   => 12;

my $daemon = Handoff::ActivatedDaemon->start(delay => 0);

sub asks {
  my ($mark) = @_;
  return path_with('/in/acknowledge/asks.lua', socket => $daemon->socket, data => '{"prompt":"killed"}', zz => $mark);
}

# The outcome of the hand-off with that mark, from Apache's log.
sub outcome {
  my ($mark) = @_;
  my $outcome;
  wait_until {
    open my $log, '<', Apache::Test::vars('t_logs') . '/handoff_log' or return;
    ($outcome) = map {/^(\w+) .*[?&]zz=\Q$mark\E /} <$log>;
  } "a line with $mark in the log";
  return $outcome;
}

# The kind of the answer: whole, cut, empty, garbled or its status.
sub kind_of {
  my ($answer) = @_;
  return 'empty' if $answer eq '';
  my ($status) = $answer =~ m{\AHTTP/1.1 (\d{3}) } or return 'garbled';
  return $status if $status != 200;
  return $answer =~ /\ndata: \[DONE\]\n\n\r\n0\r\n\r\n\z/ ? 'whole' : 'cut';    # with the last chunk
}

# One request; dies when nothing comes.
sub ask {
  my ($mark) = @_;
  my $client = Handoff::Client->connect;
  $client->send_request(GET => asks($mark), headers => ['Connection: close']);
  return kind_of(eval { $client->receive_rest } // ($@ =~ /reset/ ? '' : die $@));
}

# The kinds of answers that are right for a client of that outcome: what the daemon has accepted dies with it.
sub is_answered {
  my ($mark, $kind) = @_;
  return 1 if $kind eq 'whole' || $kind eq '503';
  return ($kind eq 'cut' || $kind eq 'empty') && outcome($mark) eq 'accepted';
}

is ask("first-$$"), 'whole', 'the first hand-off starts the daemon';

# It has seen nothing of them when it is killed.
{
  $daemon->freeze;
  my @clients = map { Handoff::Client->connect } 1 .. CLIENTS;
  $_->send_request(GET => asks('stopped'), headers => ['Connection: close']) for @clients;
  wait_until { status()->{BusyWorkers} > CLIENTS } 'all to wait for the daemon';
  $daemon->signal('KILL');
  my %kinds;
  ++$kinds{ kind_of($_->receive_rest) } for @clients;
  is(($kinds{whole} // 0) + ($kinds{503} // 0), CLIENTS, 'every client that waited for a daemon that was killed gets an answer')
    or diag explain \%kinds;
}

# Under load: each client sends requests until the file $stop exists, and reports the kinds of its answers.
my $stop = Apache::Test::vars('t_logs') . "/stop-of-$$";
pipe my $answers, my $said or die "pipe: $!";
my @askers = map {
  my $asker = $_;
  my $pid   = fork // die "fork: $!";
  if (!$pid) {
    for (my $turn = 0; !-e $stop; ++$turn) {
      my $mark = "load-$asker-$turn";
      my $kind = eval { ask($mark) } // "none: $@" =~ s/\n/ /gr;
      syswrite $said, "$mark $kind\n";
    }
    require POSIX;
    POSIX::_exit(0);
  }
  $pid;
} 1 .. CLIENTS;
close $said;

# What the next one got; nothing when all have stopped.
my (%kinds, @lost);
sub next_kind {
  my $line = readline($answers) // return;
  my ($mark, $kind) = $line =~ /^(\S+) (.*)$/;
  ++$kinds{$kind};
  push @lost, $line if !is_answered($mark, $kind);
  return $kind;
}

for my $kill (1 .. KILLS) {
  my $before = $daemon->generations;
  wait_until { $daemon->signal('KILL') } "kill $kill";
  wait_until { $daemon->generations > $before } "the daemon after kill $kill";
  while (my $kind = next_kind()) { last if $kind eq 'whole' }
}
{ open my $file, '>', $stop or die "$stop: $!" }
1 while next_kind();
waitpid $_, 0 for @askers;
note explain \%kinds;
is_deeply \@lost, [], 'every client gets an answer that a killed daemon had not accepted';
cmp_ok $kinds{whole}, '>=', KILLS, 'each daemon that replaces a killed one streams';

done_testing;
