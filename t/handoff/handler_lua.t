# SPDX-License-Identifier: Apache-2.0
# mod_lua within Apache: it can set either of the response's tables, and several hand-offs share its states.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;
my $asks   = path_with('/asks-always.lua', socket => $daemon->socket, data => '{"prompt":"always"}');

is_whole_stream(get($asks), 'always', 'headers in err_headers_out ask as those in headers_out do');
is_whole_stream(get(path_with('/asks-always.lua', socket => $daemon->socket, data => '{"prompt":"both"}', both => 1)),
  'both', 'the same header in both tables is one request');
{
  my $response = get("$asks&status=404");
  is $response->{status}, 404, "the script's own error is answered by Apache";
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, "the script's own error has no header of ours";
}
{
  my @clients = map { Handoff::Client->connect } 1 .. 20;
  $_->send_request(GET => $asks) for @clients;
  is_whole_stream($_->receive_response, 'always', 'one of many at once') for @clients;
}

done_testing;
