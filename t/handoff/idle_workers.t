# SPDX-License-Identifier: Apache-2.0
# What it is all for: Apache's workers are free while the streams run.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache 'status';
use Handoff::Client 'path_with';
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

use constant STREAMS => 100;    # four times the workers that the server has

sub begin_streams {
  my ($daemon) = @_;
  my @clients = map { Handoff::Client->connect } 1 .. STREAMS;
  my $path    = path_with('/asks.php', socket => $daemon->socket, data => '{"prompt":"at once"}');
  $_->send_request(GET => $path) for @clients;
  return @clients;
}

{
  # An event a minute: none of these ends before it was looked at.
  my $daemon  = Handoff::Daemon->start(delay => 60_000);
  my @clients = begin_streams($daemon);
  is scalar(grep { $_->receive_head =~ m{^HTTP/1.1 200} } @clients), STREAMS, 'more streams than workers run';

  # The worker that answers this very request is busy.
  my $status = wait_until { my $now = status(); $now->{BusyWorkers} <= 1 && $now } 'the workers to be idle';
  is $status->{BusyWorkers}, 1, 'all workers but the one that answers are idle while streams run';
  is scalar(grep { $_->has_ended } @clients), 0, 'no stream has ended while the workers are idle';
  $daemon->kill;
}
{
  my $daemon = Handoff::Daemon->start(delay => 10);
  is_whole_stream($_->receive_response, 'at once', 'each of many streams is whole') for begin_streams($daemon);
}

done_testing;
