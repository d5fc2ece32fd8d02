# SPDX-License-Identifier: Apache-2.0
# PHP within Apache (mod_php): its headers are in another table than those of PHP-FPM, one entry for each header().
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(log_mark log_since);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

plan skip_all => 'mod_php needs the prefork MPM, and to be installed'
  if get('/in/mod-php/sapi.php')->{body} ne "apache2handler\n";

my $daemon  = Handoff::Daemon->start;
my $missing = Handoff::Daemon->new_socket_path;

sub asks {
  my (%query) = @_;
  return path_with('/in/mod-php/asks.php', socket => $daemon->socket, data => '{"prompt":"in process"}', %query);
}

sub has_no_header_of_ours {
  my ($response, $name) = @_;
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, $name;
}

{
  my $response = get(asks());
  is_whole_stream($response, 'in process', 'a hand-off by mod_php is streamed whole');
  unlike $response->{head}, qr/^(?:Server|X-Powered-By):/m, "a hand-off by mod_php has none of Apache's or PHP's headers";
}
for my $bytes (10_000, 100_000) {
  my $path = path_with('/in/mod-php/asks.php', socket => $daemon->socket, body_as_prompt => 1);
  is_whole_stream(Handoff::Client->connect->request(POST => $path, body => 'x' x $bytes),
    'x' x 50, "a header of $bytes bytes, which PHP-FPM could not send, is data like any other");
}
is_whole_stream(get(asks(echo => 1_000_000)), 'in process', 'a body of many buffers is dropped');
{
  my $mark = log_mark();
  is_whole_stream(get(asks(echo => 1_000_000, throws => 1)), 'in process', 'a script that fails after its headers');
  unlike log_since($mark), qr/exit signal/, 'does no harm';
}

has_no_header_of_ours(get(asks(socket => $missing)), 'no daemon: no header of ours');
has_no_header_of_ours(get(asks(status => 404)), "the script's own error: no header of ours");
has_no_header_of_ours(get(asks('headers[]' => 'X-Handoff-Data: {"prompt":"second"}', status => 404)),
  'a header given twice: neither reaches the client');
{
  my $response = get(asks(socket => $missing, 'headers[]' => 'X-Socket-Handoff: ' . $daemon->socket));
  is_whole_stream($response, 'in process', 'X-Socket-Handoff given twice is a list');
}
{
  my $client = Handoff::Client->connect;
  is $client->request(GET => '/in/mod-php/asks.php')->{status}, 200, 'mod_php: an ordinary response on a connection';
  is_whole_stream($client->request(GET => asks()), 'in process', 'mod_php: a hand-off after it on the same connection');
  is_whole_stream(get(asks()), 'in process', 'mod_php: hand-offs one after the other') for 1 .. 5;
}

done_testing;
