# SPDX-License-Identifier: Apache-2.0
# The main job: a handler asks, the daemon streams, and the client cannot tell that it was handed over.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;

sub asks {
  my ($script, $data) = @_;
  return path_with("/$script", socket => $daemon->socket, data => $data);
}

for my $script (qw(asks.php asks.lua)) {
  my $response = get(asks($script, '{"prompt":"Say hello"}'));
  is_whole_stream($response, 'Say hello', "$script: the whole stream arrives");
  is $response->{headers}{'content-type'}[0], 'text/event-stream', "$script: the daemon's headers arrive";
  unlike $response->{head}, qr/^Server:/m, "$script: none of Apache's headers do";
}

is_whole_stream(get(asks('asks.php', '{"prompt":"say \"hi\" \\\\ caf\u00e9"}')),
  "say \"hi\" \\ caf\x{e9}", 'quotes and escapes in the data survive');
is_whole_stream(get(asks('asks.php', "{\"prompt\":\"na\x{ef}ve \x{65e5}\x{672c}\"}")),
  "na\x{ef}ve \x{65e5}\x{672c}", 'UTF-8 in the data survives');
is_whole_stream(get(path_with('/asks.php', socket => $daemon->socket)), '', 'data is not required');

is get(asks('asks.php', 'not json'))->{status}, 400, "the daemon's own refusal of bad data reaches the client";

{
  my $client = Handoff::Client->connect;
  is $client->request(GET => '/page.html')->{body}, "a page\n", 'an ordinary response on a kept-alive connection';
  is $client->request(GET => '/asks.php')->{status}, 200, "PHP's ordinary response on the same connection";
  is_whole_stream($client->request(GET => asks('asks.php', '{"prompt":"later"}')),
    'later', 'a hand-off after ordinary responses on the same connection');
}
{
  # More than the two sockets hold: its end still waits in Apache when the next request has its turn.
  my $size = 60_000;
  open my $file, '>', Apache::Test::vars('documentroot') . '/large.txt' or die $!;
  print $file 'x' x $size;
  close $file or die $!;

  my $client  = Handoff::Client->connect(receive_buffer => 4096);
  my $handoff = asks('asks.lua', '{"prompt":"pipelined"}');
  $client->send("GET /large.txt HTTP/1.1\r\nHost: localhost\r\n\r\nGET $handoff HTTP/1.1\r\nHost: localhost\r\n\r\n");
  is length $client->receive_response->{body}, $size, 'the answer to an earlier request of a pipeline comes first';
  is_whole_stream($client->receive_response, 'pipelined', 'the stream comes after the earlier response of a pipeline');
}
{
  my $left_behind = Apache::Test::vars('t_logs') . "/left-behind-$$";
  my %query       = (socket => $daemon->socket, data => '{"prompt":"talkative"}', echo => 3_000_000);
  is_whole_stream(get(path_with('/asks.php', %query, leaves => $left_behind)),
    'talkative', 'a body that the handler writes as well is dropped');
  ok -s $left_behind, 'a handler whose body is dropped runs to its end';
}

{
  my $client  = Handoff::Client->connect;
  my $handoff = asks('asks.lua', '{"prompt":"before others"}');
  $client->send(join '', map {"GET $_ HTTP/1.1\r\nHost: localhost\r\n\r\n"} $handoff, '/page.html');
  my $response = $client->receive_response;
  is_whole_stream($response, 'before others', 'a hand-off before a request that the client sent ahead');
  unlike $response->{body}, qr{HTTP/1\.1|<html}i, 'a request that the client sent ahead is dropped';
}

done_testing;
