# SPDX-License-Identifier: Apache-2.0
# Streams and Apache's processes live their own lives: no restart ends a stream, and no hand-off harms a process.
use strict;
use warnings FATAL => 'all';

use List::Util 'sum';
use Test::More;

use Apache::Test ();
use Handoff::Apache qw(children descriptors errors_since holders log_mark log_since restart status);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::PrivateApache 'module';
use Handoff::ScriptedDaemon ();
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

use constant HANDOFFS => 400;

# Connections to PHP-FPM are pooled, and come and go. A child keeps the daemon's socket file and one dead socket from its
# first hand-off on. A leak would show as one descriptor a hand-off.
use constant POOLED_CONNECTIONS => 10;
use constant KEPT_BY_A_CHILD    => 2;

# The server's processes and how many descriptors each has, once nothing is in progress.
sub resting_descriptors {
  wait_until { status()->{BusyWorkers} == 1 } 'the workers to be idle';
  return { map { $_ => descriptors($_) } children() };
}

{
  my $daemon = Handoff::Daemon->start(delay => 0);
  my $path   = path_with('/asks.php', socket => $daemon->socket, data => '{"prompt":"again"}');
  my $done   = sub { get($path)->{body} =~ /\[DONE\]/ };

  my $mark   = log_mark();
  my $before = resting_descriptors();
  is scalar(grep { $done->() } 1 .. HANDOFFS), HANDOFFS, 'many hand-offs in a row are whole';
  my $after = resting_descriptors();

  is_deeply [ grep { exists $after->{$_} } sort keys %$before ], [ sort keys %$before ], 'no child was replaced during many hand-offs';
  my $growth = sum(map { $after->{$_} - $before->{$_} } keys %$before);
  my $most   = POOLED_CONNECTIONS + KEPT_BY_A_CHILD * keys %$before;
  cmp_ok $growth, '<=', $most, 'children have few descriptors more after many hand-offs';
  is_deeply [ errors_since($mark) ], [], 'many hand-offs leave no error in the log';
}

for my $signal (qw(USR1 HUP)) {
  my $daemon = Handoff::Daemon->start(delay => 200);
  my $client = Handoff::Client->connect;
  $client->send_request(GET => path_with('/asks.php', socket => $daemon->socket, data => '{"prompt":"outlive"}'));
  my $head = $client->receive_head;
  like $head, qr/^HTTP\/1.1 200/, "a stream that began before a restart by SIG$signal";
  is scalar(holders($daemon->socket)), 1, "the child keeps the daemon's socket open";
  restart($signal);
  is_whole_stream({ status => 200, body => $client->receive_rest }, 'outlive', 'outlives it');
  ok wait_until { !holders($daemon->socket) } "the children to let go of the daemon's socket";
}

my $configuration = join '', map({ module($_) } qw(socket_handoff lua)),
  "AddHandler lua-script .lua\nSocketHandoffAllowedPrefix " . Apache::Test::vars('serverroot') . "/run/\n";
{
  my $apache = Handoff::PrivateApache->start($configuration);
  my $daemon = Handoff::Daemon->start(delay => 200);
  my $client = $apache->connect;
  $client->send_request(GET => path_with('/asks.lua', socket => $daemon->socket, data => '{"prompt":"outlive"}'));
  my $head = $client->receive_head;
  like $head, qr/^HTTP\/1.1 200/, 'a stream that began before Apache was stopped';
  undef $apache;
  is_whole_stream({ status => 200, body => $client->receive_rest }, 'outlive', 'outlives it');
}

# How many descriptors the private Apache's children have of this client's connection.
sub descriptors_of {
  my ($client, $apache) = @_;
  my ($here, $there) = map { sprintf '%04X', $client->{socket}->$_ } qw(peerport sockport);
  open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
  my ($inode) = map { (split)[9] } grep {/^ *\d+: \S+:$here \S+:$there /} <$table>;
  return 0 if !$inode;
  return scalar grep { (readlink // '') eq "socket:[$inode]" } map { glob "/proc/$_/fd/*" } $apache->children;
}

SKIP: {
  skip 'a child of prefork ends at once', 1 if status()->{ServerMPM} eq 'prefork';
  # Apache kills what has not ended after 9 s: the last of the pauses, which double, ends before that.
  my $apache = Handoff::PrivateApache->start(
    "SocketHandoffAcknowledge On\nSocketHandoffMaxRetries 10\nSocketHandoffConnectTimeoutMs 8000\n$configuration");
  my $refuses = Handoff::ScriptedDaemon->start(sub { Handoff::ScriptedDaemon::says($_[0], 'R{"status":503}') });
  my $later   = Handoff::Daemon->new_socket_path;
  my $client  = $apache->connect;
  my $sockets = $refuses->socket . ",$later";
  $client->send_request(GET => path_with('/asks.lua', socket => $sockets, data => '{"prompt":"stopped"}'));
  $refuses->next_payload;
  my $before = descriptors_of($client, $apache);
  kill TERM => $apache->{pid};
  wait_until { descriptors_of($client, $apache) < $before } 'the child to close its clients';
  my $daemon = Handoff::Daemon->start(socket => $later);
  is_whole_stream($client->receive_response, 'stopped', 'a client whose daemon is looked for while Apache is stopped');
}
{
  my $apache = Handoff::PrivateApache->start("MaxConnectionsPerChild 1\n$configuration");
  my $daemon = Handoff::Daemon->start(delay => 50);
  my $path   = path_with('/asks.lua', socket => $daemon->socket, data => '{"prompt":"recycled"}');
  my (@clients, %seen);
  for (1 .. 4) {
    push @clients, $apache->connect;
    $clients[-1]->send_request(GET => $path);
    $clients[-1]->receive_head;
    $seen{$_} = 1 for $apache->children;
  }
  wait_until { $seen{$_} = 1 for $apache->children; keys %seen > 1 } 'a child that took the place of another';
  is_whole_stream({ status => 200, body => $_->receive_rest }, 'recycled', 'streams stay whole when the child that handed them off is replaced') for @clients;
}

done_testing;
