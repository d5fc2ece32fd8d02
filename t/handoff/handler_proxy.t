# SPDX-License-Identifier: Apache-2.0
# An application behind mod_proxy_http asks as any handler does, where the configuration allows that: its server knows
# nothing of this module.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(log_mark wait_for_log);
use Handoff::Application ();
use Handoff::Client 'get';
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;

# What the client gets when the application answers with this.
sub answer_to {
  my ($status, $headers, $body, $path) = @_;
  my $application = Handoff::Application->start(join "\r\n", "HTTP/1.1 $status", @$headers, '', $body);
  return get($path // '/application/chat');
}

sub does_not_leak {
  my ($response, $status, $name) = @_;
  is $response->{status}, $status, "$name: $status";
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, "$name: no header of ours";
}

my @asks = ('X-Socket-Handoff: ' . $daemon->socket, 'X-Handoff-Data: {"prompt":"from afar"}');

is_whole_stream(answer_to('200 OK', [ @asks, 'Content-Length: 5' ], 'hello'), 'from afar', 'a body with its length');
is_whole_stream(answer_to('200 OK', [ @asks, 'Connection: close' ], 'x' x 200_000), 'from afar', 'a long body without');
is_whole_stream(answer_to('200 OK', [ @asks, 'Transfer-Encoding: chunked' ], "5\r\nhello\r\n0\r\n\r\n"),
  'from afar', 'a chunked body');
is_whole_stream(answer_to('204 No Content', \@asks, ''), 'from afar', 'no body at all');

does_not_leak(answer_to('404 Not Found', [ @asks, 'Content-Length: 4' ], 'none'), 404, "the application's own error");
does_not_leak(answer_to('200 OK', [ $asks[1], 'Content-Length: 4' ], 'none'), 200, 'only the data');
does_not_leak(answer_to('200 OK', [ 'X-Socket-Handoff: /etc/x.sock', 'Content-Length: 4' ], 'none'), 403,
  'a path that is not allowed');
is answer_to('200 OK', [ @asks, 'Content-Length: 1000' ], 'cut')->{status}, 502,
  'an application that breaks off in its body is not handed off';

{
  my $mark = log_mark();
  does_not_leak(answer_to('200 OK', [ @asks, 'Content-Length: 4' ], 'none', '/application/not-allowed'), 403,
    'without SocketHandoffAllowProxied');
  like wait_for_log($mark, qr/SH0105/), qr/:error\].*SH0105.*SocketHandoffAllowProxied is Off: set it On/,
    'the log says what to do';
}

done_testing;
