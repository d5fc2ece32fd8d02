# SPDX-License-Identifier: Apache-2.0
# The data's way to the daemon: whole, by header or by body, in a message or in a file, and refused beyond the limit.
use strict;
use warnings FATAL => 'all';

use JSON::PP qw(decode_json encode_json);
use Socket qw(SOCK_STREAM);
use Test::More;

use Handoff::Apache qw(log_mark wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::ScriptedDaemon ();
use Handoff::Stream 'is_whole_stream';

use constant INLINE => 128 * 1024;
use constant LIMIT  => 1024 * 1024;

my $daemon = Handoff::Daemon->start(arguments => [ '--max-payload-bytes' => 2 * LIMIT ]);

sub bytes {
  my ($bytes, %query) = @_;
  return path_with('/asks.lua', socket => $daemon->socket, data_bytes => $bytes, %query);
}

for my $bytes (INLINE - 200, INLINE, INLINE + 1, LIMIT) {
  is_whole_stream(get(bytes($bytes)), 'x' x 50, "data of $bytes bytes is handed off");
}
{
  my $mark = log_mark();
  is get(bytes(LIMIT + 1))->{status}, 413, 'data of one byte more than the limit is refused';
  like wait_for_log($mark, qr/SH0102/), qr/SH0102: X-Handoff-Data has 1048577 bytes, more than the 1048576/,
    'the log has the size of data that is too large, and the limit';
}
is get('/in/little-data' . bytes(1000))->{status}, 200, "data up to a section's SocketHandoffMaxDataSize is handed off";
is get('/in/little-data' . bytes(1001))->{status}, 413, "data beyond a section's SocketHandoffMaxDataSize is refused";

# By body. The handler sets its length.
sub by_body {
  my ($bytes, %query) = @_;
  return path_with('/data-in-body.php', socket => $daemon->socket, bytes => $bytes, %query);
}
for my $bytes (100, 9_000, INLINE + 1, LIMIT) {
  is_whole_stream(get(by_body($bytes)), 'x' x 50, "a body of $bytes bytes is handed off");
}
is_whole_stream(get(by_body(9_000, pieces => 1)), 'x' x 50, 'a body that comes in pieces');
is_whole_stream(get('/in/body-by-mod-headers' . by_body(9_000, source => '')), 'x' x 50, 'a body is the data if mod_headers sets the source');
{
  my $mark     = log_mark();
  my $response = get(by_body(LIMIT + 1));
  is $response->{status}, 413, 'a body that is too large is refused';
  unlike $response->{body}, qr/xxx/, 'the client does not see a body that is too large';
  like wait_for_log($mark, qr/SH0107/), qr/SH0107.*1048576 bytes/, 'the log has the limit for a body that is too large';
}
is get('/in/little-data' . by_body(1001))->{status}, 413, "a body beyond a section's SocketHandoffMaxDataSize is refused";
is get(by_body(3_000_000))->{status}, 413, 'a body of three times the limit is refused';
{
  my $client = Handoff::Client->connect;
  is $client->request(GET => by_body(LIMIT + 1))->{status}, 413, 'a body that is too large is answered on a connection';
  is $client->receive_rest, '', 'a body that is too large has one response and no second one';
}
{
  my $response = get('/in/disabled' . by_body(100));
  is $response->{status}, 403, 'a body as data where hand-offs are off is refused';
  unlike $response->{body}, qr/xxx/, 'a body as data where hand-offs are off does not reach the client';
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, 'a body as data where hand-offs are off shows no header of ours';
}

{
  my $stream = Handoff::ScriptedDaemon->start(sub { 1 while sysread $_[0], my $rest, 65536 }, type => SOCK_STREAM);
  get_whatever('/in/stream-sockets' . bytes(INLINE + 1, socket => $stream->socket));
  like substr($stream->next_payload, 0, 10), qr/\A\{"apache":/, 'a SOCK_STREAM daemon gets long data itself, and not in a file';
}

# What Apache knows goes along.
my $recorder = Handoff::ScriptedDaemon->start(sub { });

sub recorded {
  my ($path, %query) = @_;
  get_whatever(path_with($path, socket => $recorder->socket, %query));
  return $recorder->next_payload;
}

sub get_whatever {
  my ($path) = @_;
  my $client = Handoff::Client->connect;
  $client->send_request(GET => $path);
  return $client->receive_rest;
}

my @headers = (
  'Set-Cookie: session="1"; Path=/', 'Access-Control-Allow-Origin: https://a.example', "X-Other: caf\xe9", 'Vary: Cookie');
{
  my $payload = recorded('/several-headers.php', data => '{"prompt":"x"}', headers => join "\n", @headers, 'Set-Cookie: b=2');
  like $payload, qr/\A\{"apache":\{"headers":\[.*"prompt":"x"\}\z/, "Apache's member is in front of the data";
  my $apache = decode_json($payload)->{apache};
  is_deeply [ sort map {"$_->[0]: $_->[1]"} @{ $apache->{headers} } ], [ sort @headers[ 0, 1, 3 ], 'Set-Cookie: b=2' ],
    "Apache's member has the headers that are passed on";
  is $apache->{method}, 'GET',                  "Apache's member has the method";
  is $apache->{uri},    '/several-headers.php', "Apache's member has the path without the query";
  is $apache->{client}, '127.0.0.1',            "Apache's member has the client";
  is $apache->{protocol}, 'HTTP/1.1',           "Apache's member has the client's protocol";
  ok length $apache->{request_id}, "Apache's member has the id of mod_unique_id";
}
{
  my $path   = path_with('/several-headers.php', socket => $recorder->socket, data => '{}', headers => 'Cache-Control: private');
  my $client = Handoff::Client->connect;
  $client->send("GET http://localhost$path HTTP/1.0\r\n\r\n");
  $client->receive_rest;
  my $apache = decode_json($recorder->next_payload)->{apache};
  is $apache->{uri},      '/several-headers.php', "Apache's member has the path of a target in absolute form";
  is $apache->{protocol}, 'HTTP/1.0',             "Apache's member has HTTP/1.0 for a client of HTTP/1.0";
  is_deeply $apache->{headers}, [ [ 'Cache-Control' => 'private' ] ], "Apache's member has Cache-Control";
}
is recorded('/several-headers.php', data => $_), $_, "data that is no JSON object is passed untouched: $_"
  for 'text', '[1]', '{broken', '{"a":1} x';
{
  my $mark = log_mark();
  is unpack('H*', recorded('/several-headers.php')), '00', 'no data is one NUL byte';
  like wait_for_log($mark, qr/SH0008/), qr/:notice\].*SH0008.*without data/, 'a hand-off without data is a notice in the log';
}
{
  my $payload = recorded('/in/forward-other/several-headers.php', data => '{}', headers => join "\n", @headers);
  is_deeply decode_json($payload)->{apache}{headers}, [ [ 'X-Other' => "caf\x{e9}" ] ],
    'SocketHandoffForwardHeaders names others; what is no UTF-8 is Latin-1';
}
is_deeply decode_json(recorded('/in/forward-none/several-headers.php', data => '{}', headers => 'Vary: x'))->{apache}{headers},
  [], 'SocketHandoffForwardHeaders None passes no header on';
{
  my $response = get(path_with('/several-headers.php', socket => $daemon->socket, data => '{"prompt":"x"}',
    headers => join "\n", @headers, 'Set-Cookie: b=2'));
  is_deeply $response->{headers}{'set-cookie'}, [ 'session="1"; Path=/', 'b=2' ], "the daemon's answer has PHP's cookies";
  is $response->{headers}{'access-control-allow-origin'}[0], 'https://a.example', "the daemon's answer has PHP's CORS headers";
  $response = get(path_with('/several-headers.php', socket => $daemon->socket, data => '{"prompt":"x"}',
    headers => "Cache-Control: no-store\nStrict-Transport-Security: max-age=9"));
  is $response->{headers}{'cache-control'}[0], 'no-cache, no-transform, no-store', "the daemon's answer has PHP's no-store";
  is $response->{headers}{'strict-transport-security'}[0], 'max-age=9', "the daemon's answer has the site's Strict-Transport-Security";
}

done_testing;
