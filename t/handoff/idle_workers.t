# SPDX-License-Identifier: Apache-2.0
# What it is all for: Apache's workers are free while the streams run.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(port_of status);
use Handoff::Client 'path_with';
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

use constant STREAMS     => 100;    # four times the workers that the server has
use constant STREAMS_TLS => 200;

sub begin_streams {
  my ($daemon) = @_;
  my @clients = map { Handoff::Client->connect } 1 .. STREAMS;
  my $path    = path_with('/asks.php', socket => $daemon->socket, data => '{"prompt":"at once"}');
  $_->send_request(GET => $path) for @clients;
  return @clients;
}

# So many streams over HTTPS, by one curl.
sub begin_streams_over_tls {
  my ($daemon) = @_;
  my $path = path_with('/asks.php', socket => $daemon->socket, data => '{"prompt":"at once"}');
  open my $curl, '-|', qw(curl --silent --no-progress-meter --insecure --http1.1 --no-buffer --parallel --parallel-immediate),
    '--parallel-max', STREAMS_TLS, 'https://127.0.0.1:' . port_of('tls_keys') . $path . '&number=[1-' . STREAMS_TLS . ']'
    or die "curl: $!";
  return $curl;
}

# The worker that answers this very request is busy.
sub workers_are_idle {
  my ($name) = @_;
  my $status = wait_until { my $now = status(); $now->{BusyWorkers} <= 1 && $now } 'the workers to be idle';
  is $status->{BusyWorkers}, 1, $name;
}

{
  # An event a minute: none of these ends before it was looked at.
  my $daemon  = Handoff::Daemon->start(delay => 60_000);
  my @clients = begin_streams($daemon);
  is scalar(grep { $_->receive_head =~ m{^HTTP/1.1 200} } @clients), STREAMS, 'more streams than workers run';

  workers_are_idle('all workers but the one that answers are idle while streams run');
  is scalar(grep { $_->has_ended } @clients), 0, 'no stream has ended while the workers are idle';
  $daemon->kill;
}
{
  my $daemon = Handoff::Daemon->start(delay => 10);
  is_whole_stream($_->receive_response, 'at once', 'each of many streams is whole') for begin_streams($daemon);
}
{
  my $daemon = Handoff::Daemon->start(delay => 60_000);
  my $curl   = begin_streams_over_tls($daemon);
  my $received = '';
  wait_until { sysread($curl, $received, 65536, length $received); (() = $received =~ /at once/g) == STREAMS_TLS } 'the first events';
  workers_are_idle('and while streams over HTTPS run');
  unlike $daemon->log, qr/stream ended/, 'of which none has ended';
  $daemon->kill;
  1 while sysread $curl, $received, 65536;
  close $curl;
  isnt $?, 0, 'each of which is cut when the daemon dies';
}
{
  my $daemon = Handoff::Daemon->start(delay => 10);
  my $curl   = begin_streams_over_tls($daemon);
  my $whole  = () = join('', <$curl>) =~ /^data: \[DONE\]$/mg;
  close $curl;
  is $whole, STREAMS_TLS, 'each of many streams over HTTPS is whole';
  is $?, 0, 'and ends well';
}

done_testing;
