# SPDX-License-Identifier: Apache-2.0
# Requests with a body: whatever the handler did not read must not reach the daemon's side of the connection.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(port_of status wait_for_access);
use Handoff::Client 'path_with';
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;
my $asks   = path_with('/asks.lua', socket => $daemon->socket, data => '{"prompt":"unread"}');

{
  my $path     = path_with('/asks.php', socket => $daemon->socket, body_as_prompt => 1);
  is_whole_stream(Handoff::Client->connect->request(POST => $path, body => 'from the body'),
    'from the body', 'a POST that PHP reads is handed off with what PHP makes of it');
}

is_whole_stream(Handoff::Client->connect->request(POST => $asks, body => 'x' x 2_000_000),
  'unread', 'a large body that nobody reads is drained before the hand-off');

{
  my $client = Handoff::Client->connect;
  $client->send("POST $asks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  $client->send("5\r\nfirst\r\n");
  $client->send("6\r\nsecond\r\n0\r\n\r\n");
  is_whole_stream($client->receive_response, 'unread', 'a chunked body that comes in pieces is drained');
}
{
  my $client = Handoff::Client->connect;
  $client->send("POST $asks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n");
  is $client->receive_response->{status}, 100, 'a client that waits is told to send its body';
  $client->send('as told');
  is_whole_stream($client->receive_response, 'unread', 'a client that sends its body after 100 is handed off');
}
{
  my $client = Handoff::Client->connect;
  $client->send("POST $asks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
  is $client->receive_response->{status}, 400, 'a body that is no valid chunk ends in an error and not in a hand-off';
}

{
  my $client = Handoff::Client->connect;
  $client->send("POST /in/short-drain$asks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\nonly");
  my $response = $client->receive_response;
  is $response->{status}, 408, 'a body that stalls is 408';
  is $client->receive_rest, '', 'a body that stalls ends the connection';
}
{
  my $client = Handoff::Client->connect;
  $client->send("POST /in/short-drain$asks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  is $client->receive_response->{status}, 408, 'a chunked body that stalls is 408';
}
SKIP: {
  skip 'mod_http2 does not work with the prefork MPM', 1 if status()->{ServerMPM} eq 'prefork';
  my $pid = open my $curl, '|-', qw(curl --silent --stderr /dev/null --output /dev/null --http2-prior-knowledge --request POST --upload-file .),
    '--header', 'Content-Length: 10', 'http://127.0.0.1:' . port_of('http2') . "/in/short-drain$asks"
    or die "curl: $!";
  syswrite $curl, 'abc';
  ok wait_for_access(qr{^POST /in/short-drain\S+ HTTP/2\.0 408 }m), 'a body that stalls over HTTP/2 is 408';
  kill KILL => $pid;
  local $?;
  close $curl;
}
{
  my $client = Handoff::Client->connect;
  $client->send("POST $asks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n");
  $client->send('x' x 20_000_000);
  is $client->receive_response->{status}, 413, 'a body that nobody reads is not read without end';
}
{
  my $client = Handoff::Client->connect;
  $client->send("POST $asks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nall" . "GET /page.html HTTP/1.1\r\nHost: localhost\r\n\r\n");
  is_whole_stream($client->receive_response, 'unread', 'a request behind the one that is handed off is dropped');
}

done_testing;
