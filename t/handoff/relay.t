# SPDX-License-Identifier: Apache-2.0
# Connections that cannot leave Apache, over TLS and HTTP/2: the daemon's answer comes through Apache, event by event.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(children descriptors log_mark log_since port_of status wait_for_log);
use Handoff::Client qw(path_with);
use Handoff::Curl 'curl';
use Handoff::Daemon ();
use Handoff::OtherDaemon ();
use Handoff::ScriptedDaemon ();
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

use constant PHP_PROCESSES => 4;    # as conf/php-fpm.conf has it

my $daemon = Handoff::Daemon->start;
my $data   = '{"prompt":"relayed"}';
my @tls    = ('--insecure', '--http1.1', 'https://127.0.0.1:' . port_of('tls'));
my @http2  = ('--http2-prior-knowledge', 'http://127.0.0.1:' . port_of('http2'));
my %ways   = (TLS => \@tls, status()->{ServerMPM} eq 'prefork' ? () : ('HTTP/2' => \@http2));

sub asks {
  my ($socket, %query) = @_;
  return path_with('/several-headers.php', socket => $socket, data => $data, %query);
}

sub ask {
  my ($way, $path, @arguments) = @_;
  my ($server) = $way->[-1];
  return curl(@$way[ 0 .. $#$way - 1 ], @arguments, $server . $path);
}

sub begin {
  my ($way, $path) = @_;
  my $pid = open my $curl, '-|', 'curl', '--silent', '--no-buffer', '--max-time', 60, @$way[ 0 .. $#$way - 1 ],
    $way->[-1] . $path
    or die "curl: $!";
  return ($pid, $curl);
}

sub await_first_event {
  my ($curl) = @_;
  my $received = '';
  wait_until { sysread($curl, $received, 4096, length $received); $received =~ /relayed/ } 'the first event';
}

my $mark = log_mark();
for my $name (sort keys %ways) {
  my $way = $ways{$name};
  my $response = ask($way, asks($daemon->socket, headers => "Set-Cookie: a=1\nX-Other: kept\nContent-Length: 5"));
  is_whole_stream($response, 'relayed', "$name: the whole stream arrives");
  is $response->{exit}, 0, "$name: a relayed stream ends well";
  like $response->{headers}{'content-type'}[0], qr{^text/event-stream}, "$name: a relayed answer has the daemon's Content-Type";
  is $response->{headers}{'cache-control'}[0], 'no-cache, no-transform', "$name: a relayed answer has the daemon's Cache-Control";
  is_deeply $response->{headers}{'set-cookie'}, ['a=1'], "$name: a relayed answer has PHP's cookie once";
  is $response->{headers}{'x-other'}[0], 'kept', "$name: a relayed answer has PHP's other headers";
  unlike $response->{head}, qr/^x-(?:socket-)?handoff/mi, "$name: but ours";

  $response = ask($way, asks($daemon->socket, headers => 'Cache-Control: private, max-age=60'));
  is_deeply $response->{headers}{'cache-control'}, ['no-cache, no-transform, private'],
    "$name: what PHP forbids caches holds, and what it allows them does not";

  is ask($way, path_with('/several-headers.php', socket => $daemon->socket, data => 'not json'))->{status}, 400,
    "$name: the daemon's own error, with its status";
  is ask($way, '/in/acknowledge' . path_with('/asks.php', socket => $daemon->socket, data => 'not json'))->{status}, 400,
    "$name: or with Apache's words, where it waits for the daemon's";
  is_whole_stream(ask($way, '/in/acknowledge' . asks($daemon->socket)), 'relayed', "$name: which it gives");
  is ask($way, asks(Handoff::Daemon->new_socket_path))->{status}, 503, "$name: no daemon";
  is_whole_stream(ask($way, '/in/deflated' . asks($daemon->socket), '-H', 'Accept-Encoding: gzip'), 'relayed',
    "$name: not compressed");

  my $dies = Handoff::ScriptedDaemon->start(sub { });
  is ask($way, asks($dies->socket))->{status}, 502, "$name: a daemon that dies before its head";

  # An event is there before the next one is.
  my $slow = Handoff::Daemon->start(delay => 60_000);
  my ($pid, $curl) = begin($way, asks($slow->socket));
  await_first_event($curl);
  ok 1, "$name: the first event comes at once";
  my @others = map { [begin($way, asks($slow->socket))] } 1 .. PHP_PROCESSES;
  await_first_event($_->[1]) for @others;
  is ask($way, '/asks.php')->{status}, 200, "$name: no process of PHP waits for a stream's end";
  unlike $slow->log, qr/stream 0/, "$name: while the stream goes on";
  kill KILL => $pid, map { $_->[0] } @others;
  close $_ for $curl, map { $_->[1] } @others;
  wait_until { $slow->log =~ /stream ended .*cause=(?!completed)/ } 'the daemon to see the client leave';
  ok 1, "$name: a client that leaves ends its stream";
  wait_until { status()->{BusyWorkers} <= 1 } 'the thread to be free';
  ok 1, "$name: and frees Apache's thread";
  $slow->kill;
}
# curl's exit statuses for an incomplete answer: a missing chunk, or a stream's reset.
my %exit_of_broken = (TLS => 18, 'HTTP/2' => 92);
for my $name (sort keys %ways) {
  my $way    = $ways{$name};
  my $framed   = Handoff::OtherDaemon->start('seqpacket', 'at-once', 'chunked');
  my $response = ask($way, asks($framed->socket));
  is $response->{exit}, 0, "$name: an answer in chunks ends well";
  like $response->{body}, qr/\Adata: \{.*"protocol":"HTTP\/1\.1".*\}\n\ndata: \[DONE\]\n\n\z/, "$name: and is whole";
  my $mark = log_mark();
  my $cut  = Handoff::OtherDaemon->start('seqpacket', 'at-once', 'cut');
  $response = ask($way, asks($cut->socket));
  is $response->{exit}, $exit_of_broken{$name}, "$name: one without its last chunk ends as broken";
  # A reset of HTTP/2 can overtake what came right before it.
  like $response->{body}, qr/\[DONE\]/, "$name: with all that came of it" if $name ne 'HTTP/2';
  like wait_for_log($mark, qr/SH0209/), qr/:error\].*SH0209/, "$name: the log says so";
}
{
  my $response = ask(\@tls, asks($daemon->socket), '--http1.0', '--no-alpn');
  is $response->{exit}, 0, 'TLS: an answer that ends with the connection ends with a close_notify';
  like $response->{body}, qr/\[DONE\]/, 'TLS: and is whole';
}
{
  my $url = $tls[-1];
  my @two = ($url . asks($daemon->socket), $url . '/page.html');
  open my $curl, '-|', 'curl', '--silent', '--insecure', '--http1.1', '--write-out', '%{num_connects} ', @two or die $!;
  local $/;
  like scalar <$curl>, qr/\[DONE\]\n\n1 a page\n0 /, 'TLS: the connection can be used on';
}
{
  my $path = '/in/brotli-by-type' . path_with('/data-in-body.php', socket => $daemon->socket, bytes => 9_000);
  is_whole_stream(ask(\@tls, $path, '-H', 'Accept-Encoding: br'), 'x' x 50, 'TLS: data in a body that mod_brotli would compress');
}
# Another test may have been the first.
like log_since(0), qr/:notice\].*SH0006.*each such answer holds an Apache thread/, 'the log says what a relay costs';
cmp_ok scalar(() = log_since($mark) =~ /:notice\].*SH0006/g), '<=', 1, 'and says it once';

done_testing;
