# SPDX-License-Identifier: Apache-2.0
# Which requests are handed off: Apache answers some itself, and refuses those whose client it cannot hand over.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(log_mark log_since port_of status wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;
my %asked  = (socket => $daemon->socket, data => '{"prompt":"eligible"}');
my $asks   = path_with('/asks.php', %asked);

sub is_answered_by_apache {
  my ($response, $mark, $status, $name) = @_;
  is $response->{status}, $status, "$name: $status";
  like $response->{head}, qr/^Server: Apache/m, "$name: from Apache";
  unlike log_since($mark), qr/SH0001|socket_handoff:error/, "$name: neither handed off nor an error";
}

for my $status (302, 404, 500, 503) {
  my $mark = log_mark();
  is_answered_by_apache(get(path_with('/asks.php', %asked, status => $status)), $mark, $status, 'an answer of PHP');
}
is_whole_stream(get(path_with('/asks.php', %asked, status => 202)), 'eligible', 'any success is handed off');

{
  my $mark     = log_mark();
  my $response = Handoff::Client->connect->request(HEAD => $asks);
  is_answered_by_apache($response, $mark, 200, 'HEAD');
}
{
  my $mark     = log_mark();
  my $response = Handoff::Client->connect->request(OPTIONS => path_with('/asks.php', %asked,
    'headers[]' => 'Access-Control-Allow-Headers: content-type'));
  is_answered_by_apache($response, $mark, 200, 'OPTIONS');
  is $response->{headers}{'access-control-allow-headers'}[0], 'content-type', "OPTIONS: with PHP's own headers";
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, 'OPTIONS: and none of ours';
}
{
  my $mark = log_mark();
  is_answered_by_apache(get(path_with('/asks.php', %asked, echo => 0, throws => 1)), $mark, 500,
    'PHP that fails after it asked');
}
{
  my $mark     = log_mark();
  my $response = get(path_with('/asks.php', %asked, echo => 100_000, dies => 1));
  like $response->{status}, qr{^50}, "PHP that dies after its first bytes: an error";
  unlike log_since($mark), qr/SH0001/, 'PHP that dies after its first bytes: not handed off';
}
{
  my $mark     = log_mark();
  my $response = get('/page-with-part.shtml');
  is_answered_by_apache($response, $mark, 200, 'a page with a part that asks');
  is $response->{body}, "before xxx after\n", 'a page with a part that asks contains the part';
}
{
  my $mark     = log_mark();
  my $response = get('/in/with-asking-error-document/missing');
  is_answered_by_apache($response, $mark, 200, 'an error document that asks, and hides the error');
  is $response->{body}, 'xxx', 'is what the client gets';
}
{
  my $mark     = log_mark();
  my $response = get(path_with('/in/error-override-document/asks.php', %asked, status => 500));
  is_answered_by_apache($response, $mark, 500, "an error document that inherits the failed request's headers");
}

is_whole_stream(get(path_with('/rewritten/anything', %asked)), 'eligible', 'an internal redirect is handed off');

sub curl {
  my (@arguments) = @_;
  open my $curl, '-|', 'curl', '--silent', '--include', '--max-time', 30, @arguments or die "curl: $!";
  local $/;
  return scalar <$curl>;
}

# SocketHandoffRelay Off. relay.t has the other case.
{
  my $mark = log_mark();
  like curl('--insecure', '--http1.1', 'https://127.0.0.1:' . port_of('tls') . "/in/no-relay$asks"), qr{^HTTP/1.1 500},
    'a TLS connection is refused';
  like wait_for_log($mark, qr/SH0101/), qr/SH0101.*TLS.*SocketHandoffRelay is Off/, 'a refused TLS connection is logged with the reason';
}
SKIP: {
  skip 'mod_http2 does not work with the prefork MPM', 2 if status()->{ServerMPM} eq 'prefork';
  my $mark = log_mark();
  like curl('--http2-prior-knowledge', 'http://127.0.0.1:' . port_of('http2') . "/in/no-relay$asks"), qr{^HTTP/2 500},
    'an HTTP/2 connection is refused';
  like wait_for_log($mark, qr/SH0101/), qr/SH0101.*HTTP\/2/, 'a refused HTTP/2 connection is logged with the reason';
}

done_testing;
