# SPDX-License-Identifier: Apache-2.0
# The daemon's answer: Apache responds to every client that the daemon refuses or would have lost.
use strict;
use warnings FATAL => 'all';

use Socket qw(SOCK_STREAM);
use Test::More;

use Handoff::Apache qw(log_mark log_since wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::ScriptedDaemon ();
use Handoff::Stream 'is_whole_stream';

my $data = '{"prompt":"accepted"}';

sub asks {
  my ($section, $socket, %query) = @_;
  return path_with("/in/$section/asks.php", socket => $socket, data => $data, %query);
}

sub saying {
  my ($answer, %options) = @_;
  return Handoff::ScriptedDaemon->start(sub { Handoff::ScriptedDaemon::says($_[0], $answer) }, %options);
}

my $daemon = Handoff::Daemon->start;
{
  my $mark = log_mark();
  is_whole_stream(get(asks('acknowledge', $daemon->socket)), 'accepted', 'a client that the daemon accepts is streamed to');
  like wait_for_log($mark, qr/SH0001/), qr/:debug\].*SH0001/, 'an accepted client is one debug line in the log';
  is(() = log_since($mark) =~ /SH0/g, 1, 'an accepted client is no other line in the log');
}
{
  my $response = get(path_with('/in/acknowledge/asks.php', socket => $daemon->socket, data => 'not json'));
  is $response->{status}, 400, "a refusal of bad data keeps the daemon's status";
  like $response->{head}, qr/^Server: Apache/m, 'Apache sends the response to refused data';
}
{
  my $full   = Handoff::Daemon->start(delay => 60_000, arguments => [ '--max-connections' => 1 ]);
  my $client = Handoff::Client->connect;
  $client->send_request(GET => asks('acknowledge', $full->socket));
  like $client->receive_head, qr/ 200 /, 'the one client that a small daemon has room for';
  my $mark     = log_mark();
  my $response = get(asks('acknowledge-with-error-document', $full->socket, 'headers[]' => 'Retry-After: 77'));
  is $response->{status}, 503, 'a client that a full daemon refuses gets 503';
  is $response->{body}, "the page for errors\n", 'a client that a full daemon refuses gets the error document';
  like $response->{headers}{'retry-after'}[0], qr/^\d$/, "a client that a full daemon refuses gets the daemon's Retry-After";
  is scalar @{ $response->{headers}{'retry-after'} }, 1, "a client that a full daemon refuses gets one Retry-After and not the handler's";
  like wait_for_log($mark, qr/SH0207/), qr/:warn\].*SH0207: the daemon at \S+ refused the client with 503/, 'a refusal by a full daemon is a warning in the log';
  is_whole_stream(get(asks('acknowledge', $full->socket . ',' . $daemon->socket)),
    'accepted', "a list's next daemon streams if the first one is full");
  $full->kill;
}
{
  my $daemon = saying('R{"status":429,"retry_after":7}');
  my $client = Handoff::Client->connect;
  my $response = $client->request(GET => asks('acknowledge', $daemon->socket));
  is $response->{status}, 429, 'a refusal with 429 keeps its status';
  is $response->{headers}{'retry-after'}[0], 7, 'a refusal with 429 keeps its Retry-After';
  is $client->request(GET => '/page.html')->{status}, 200, 'a connection serves further requests after a refusal';
}
for my $answer ('R', 'R{"status":200}', 'R{"status":"429"}', 'Rubbish') {
  my $daemon = saying($answer);
  is get(asks($answer eq 'R{"status":200}' || $answer =~ /429/ ? 'acknowledge' : 'impatient', $daemon->socket))->{status},
    503, "a refusal as $answer is 503";
}
{
  my $stream = saying('R{"status":413}', type => SOCK_STREAM);
  is get(asks('acknowledge-stream-sockets', $stream->socket))->{status}, 413, 'a SOCK_STREAM daemon can refuse too';
}
{
  my $mark   = log_mark();
  my $silent = saying('');
  my $client = Handoff::Client->connect;
  $client->send_request(GET => asks('impatient', $silent->socket . ',' . $daemon->socket));
  is $client->receive_rest, '', 'a daemon that does not answer in time has the client, and Apache writes no byte';
  like wait_for_log($mark, qr/SH0205/), qr/:warn\].*SH0205/, 'a daemon that does not answer in time is a warning in the log';
}
{
  my $garbage = saying('HTTP/1.1 200 OK');
  my $client  = Handoff::Client->connect;
  $client->send_request(GET => asks('acknowledge', $garbage->socket));
  is $client->receive_rest, '', 'a daemon that sends something else than an answer has the client';
}
{
  my $mark = log_mark();
  is_whole_stream(get(asks('plain', $daemon->socket)), 'accepted', 'without SocketHandoffAcknowledge a client is streamed to');
  my $refusing = saying('R{"status":429}');
  my $client   = Handoff::Client->connect;
  $client->send_request(GET => asks('plain', $refusing->socket));
  is $client->receive_rest, '', 'without SocketHandoffAcknowledge a refusal comes too late for the client';
}

done_testing;
