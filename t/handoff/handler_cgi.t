# SPDX-License-Identifier: Apache-2.0
# A CGI script (mod_cgi, mod_cgid): its headers come through a pipe, in err_headers_out.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon  = Handoff::Daemon->start;
my $missing = Handoff::Daemon->new_socket_path;

sub asks {
  my (%query) = @_;
  return path_with('/cgi/asks.cgi', socket => $daemon->socket, data => '{"prompt":"by_a_script"}', %query);
}

sub does_not_leak {
  my ($response, $status, $name) = @_;
  is $response->{status}, $status, "$name: $status";
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, "$name: no header of ours";
}

{
  my $response = get(asks());
  is_whole_stream($response, 'by_a_script', "a CGI script's hand-off is streamed whole");
  unlike $response->{head}, qr/^Server:/m, "a CGI script's hand-off has none of Apache's headers";
}
is_whole_stream(get(asks(socket => $missing, second => $daemon->socket)), 'by_a_script',
  'X-Socket-Handoff given twice is a list');

does_not_leak(get(asks(socket => $missing)),       503, 'no daemon');
does_not_leak(get(asks(socket => '/etc/x.sock')),  403, 'a path that is not allowed');
does_not_leak(get(path_with('/cgi/asks.cgi', data => '{}')), 200, 'only the data');
does_not_leak(Handoff::Client->connect->request(HEAD => asks()), 200, 'HEAD');

done_testing;
