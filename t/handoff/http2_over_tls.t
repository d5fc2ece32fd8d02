# SPDX-License-Identifier: Apache-2.0
# HTTP/2 connections over TLS leave Apache with their keys: the daemon writes the frames of the answer in records of its own, and
# other requests go to Apache on other connections.
use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Test::More;

use Handoff::Apache qw(errors_since log_mark log_since port_of status wait_for_log);
use Handoff::Client 'path_with';
use Handoff::Curl 'curl';
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

plan skip_all => 'mod_http2 does not serve with prefork' if status()->{ServerMPM} eq 'prefork';

use constant STREAMS => 40;    # more than Apache's 25 threads, and than mod_http2's: H2MaxWorkers is 1.5 times as many

my $start  = log_mark();
my $daemon = Handoff::Daemon->start(delay => 1);
my $site   = 'https://127.0.0.1:' . port_of('http2_over_tls');

sub asks {
  my ($path, %query) = @_;
  return $site . path_with($path, socket => $daemon->socket, data => '{"prompt":"sealed"}', %query);
}

sub streams_over_http2 {
  my $streams = () = $daemon->log =~ /transport=h2 .*cause=completed/g;
  return $streams;
}

sub is_handed_over {
  my ($name, @arguments) = @_;
  my $mark     = log_mark();
  my $streams  = streams_over_http2();
  my $response = curl('--http2', @arguments);
  is_whole_stream($response, 'sealed', "$name: the whole stream arrives");
  is $response->{version}, 2, "$name: over HTTP/2";
  is $response->{exit}, 0, "$name: with a clean end";
  wait_until { streams_over_http2() > $streams } "the stream over HTTP/2 in the daemon's log";
  unlike log_since($mark), qr/SH0006/, "$name: and not through Apache";
  return $response;
}

sub is_relayed {
  my ($name, $reason, @arguments) = @_;
  my $mark = log_mark();
  is_whole_stream(curl('--http2', @arguments), 'sealed', "$name: the whole stream arrives");
  like wait_for_log($mark, qr/SH0006/), qr/SH0006: relaying.* because \Q$reason\E/, "$name: through Apache, with the reason";
}

for my $way ([qw(--tls-max 1.2)], map { [ '--tls13-ciphers', "TLS_$_" ] } qw(AES_128_GCM_SHA256 AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256)) {
  is_handed_over("@$way", @$way, asks('/asks.php'));
}

# Of several requests of one curl, which come one behind the other.
{
  my $mark = log_mark();
  open my $curl, '-|', qw(curl --silent --insecure --http2 --max-time 30 --write-out), '%{num_connects} ', "$site/page.html",
    asks('/asks.php'), "$site/page.html", "$site/page.html"
    or die "curl: $!";
  my $text = do { local $/; <$curl> };
  close $curl;
  is $?, 0, 'requests before and after an answer succeed';
  is join('', $text =~ /\b([01]) /g), '1010', 'the answer on the connection of those before, and those after on another one';
  unlike log_since($mark), qr/SH0006/, 'and nothing is relayed';
}
{
  my $body = Apache::Test::vars('t_logs') . '/body-over-http2';
  open my $file, '>', $body or die $!;
  print $file 'x' x 300_000;
  close $file or die $!;
  is_handed_over('POST', '--data-binary', "\@$body", asks('/asks.php'));
  my $response = curl('--http2', $site . path_with('/data-in-body.php', socket => $daemon->socket, bytes => 200_000));
  is_whole_stream($response, 'x' x 50, 'data in a memfd: the whole stream arrives');
  my $cookie = is_handed_over('a cookie', asks('/asks.php', 'headers[]' => 'Set-Cookie: of=handler'));
  is_deeply $cookie->{headers}{'set-cookie'}, ['of=handler'], 'a cookie of the handler arrives';
}
is_relayed('SocketHandoffTLS Off', 'it came over TLS, and SocketHandoffTLS is Off', asks('/in/tls-off/asks.php'));
is_relayed('CCM', 'its cipher suite is neither', qw(--tls13-ciphers TLS_AES_128_CCM_SHA256), asks('/asks.php'));

# Some are handed over, and those that share a connection with others are relayed.
{
  open my $curl, '-|', qw(curl --silent --no-progress-meter --insecure --http2 --parallel --parallel-max 20), asks('/in/no-wait/asks.php') . '&number=[1-20]'
    or die "curl: $!";
  my $whole = () = join('', <$curl>) =~ /^data: \[DONE\]$/mg;
  close $curl;
  is $whole, 20, '20 answers at once on one connection are whole';
  is $?, 0, 'and end well';
}
{
  my $slow = Handoff::Daemon->start(delay => 60_000);
  my @curls = map {
    open my $curl, '-|', qw(curl --silent --insecure --http2 --no-buffer),
      $site . path_with('/asks.php', socket => $slow->socket, data => '{"prompt":"at once"}')
      or die "curl: $!";
    $curl;
  } 1 .. STREAMS;
  for my $curl (@curls) {
    my $received = '';
    1 while $received !~ /at once/ && sysread $curl, $received, 65536, length $received;
  }
  my $status = wait_until { my $now = status(); $now->{BusyWorkers} <= 1 && $now } 'the workers to be idle';
  is $status->{BusyWorkers}, 1, 'no worker of Apache is busy while many answers run';
  unlike $slow->log, qr/stream ended/, 'of which none has ended';
  $slow->kill;
  close $_ for @curls;
}

is_deeply [ errors_since($start) ], [], 'the error log has nothing';

done_testing;
