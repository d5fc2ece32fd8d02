# SPDX-License-Identifier: Apache-2.0
# A daemon that is missing, late or gone: the client gets a proper 503 from Apache, or the stream if there is still time.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(log_mark log_since wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $missing = Handoff::Daemon->new_socket_path;

sub asks {
  my ($section, $script, %query) = @_;
  return path_with("/in/$section/$script", socket => $missing, data => '{"prompt":"anybody"}', %query);
}

for my $script (qw(asks.php asks.lua)) {
  my $mark     = log_mark();
  my $response = get(asks('plain', $script));
  is $response->{status}, 503, "$script: a missing daemon is 503";
  like $response->{body}, qr/Service Unavailable/, "$script: with httpd's own words";
  unlike $response->{body}, qr/xxx|answered by Apache/, "$script: and none of the handler's";

  my $log = wait_for_log($mark, qr/SH0202/);
  like $log, qr/No such file or directory.*SH0202.*\Q$missing\E \(attempts: [1-4]\)/, "$script: the log says why";
  is(() = $log =~ /SH0/g, 1, "$script: a missing daemon is one line in the log");

  $response = get(asks('with-error-document', $script));
  is $response->{status}, 503, "$script: with an error document it is still 503";
  is $response->{body}, "the page for errors\n", "$script: the error document is sent";
  is get(asks('with-error-text', $script))->{body}, 'words for errors', "$script: a text as ErrorDocument is sent";

  my $client = Handoff::Client->connect;
  is $client->request(GET => asks('with-error-document', $script))->{status}, 503, "$script: 503 on a connection that is used again";
  is $client->receive_rest, '', "$script: a missing daemon has one response and no second one";
}

is get(asks('plain', 'asks.php', 'headers[]' => 'Retry-After: 7'))->{headers}{'retry-after'}[0], 7,
  "PHP's Retry-After is kept";
unlike get(asks('plain', 'asks.php', 'headers[]' => 'Content-Encoding: gzip'))->{head}, qr/^Content-Encoding/mi,
  'what PHP said of its own body is not said of the error';
{
  my $mark     = log_mark();
  my $response = get(asks('with-asking-error-document', 'asks.php'));
  is $response->{body}, 'xxx', 'an error document that asks for a hand-off itself is answered by Apache';
  is(() = log_since($mark) =~ /SH0202/g, 1, "an error document's own request for a hand-off is not tried");
}
{
  my $mark = log_mark();
  is get(asks('no-retry', 'asks.php'))->{status}, 503, '503 with SocketHandoffMaxRetries 0';
  like wait_for_log($mark, qr/SH0202/), qr/attempts: 1\)/, 'SocketHandoffMaxRetries 0 is one attempt';
}
{
  my $later  = Handoff::Daemon->new_socket_path;
  my $client = Handoff::Client->connect;
  $client->send_request(GET => asks('patient', 'asks.php', socket => $later));
  my $daemon = Handoff::Daemon->start(socket => $later);
  is_whole_stream($client->receive_response, 'anybody', 'a daemon that appears in time is reached');
}

done_testing;
