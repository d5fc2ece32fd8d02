# SPDX-License-Identifier: Apache-2.0
# Clients over TLS are handed over with the keys of their connections: the daemon goes on with the records, and Apache
# neither holds a thread nor writes to them any more. What cannot go on outside of Apache is relayed.
use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use IPC::Open3   'open3';
use Test::More;

use Handoff::Apache qw(errors_since log_mark log_since port_of status wait_for_log);
use Handoff::Client 'path_with';
use Handoff::Curl 'curl';
use Handoff::Daemon ();
use Handoff::PrivateApache 'module';
use Handoff::ScriptedDaemon ();
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

my $root   = Apache::Test::vars('serverroot');
my $daemon = Handoff::Daemon->start(delay => 1);
my $data   = '{"prompt":"sealed"}';
my $keys   = 'https://127.0.0.1:' . port_of('tls_keys');
my $page   = "$keys/page.html";
my @http1  = ('--http1.1');
my $start  = log_mark();

sub asks {
  my ($socket, %query) = @_;
  return path_with('/asks.php', socket => $socket, data => $data, %query);
}

sub streams_over_tls {
  my $streams = () = $daemon->log =~ /transport=tls /g;
  return $streams;
}

sub is_handed_over {
  my ($name, @arguments) = @_;
  my $mark    = log_mark();
  my $streams = streams_over_tls();
  my $response = curl(@http1, @arguments);
  is_whole_stream($response, 'sealed', "$name: the whole stream arrives");
  is $response->{exit}, 0, "$name: with a clean end";
  wait_until { streams_over_tls() > $streams } 'the stream over TLS in the daemon\'s log';
  unlike log_since($mark), qr/SH0006/, "$name: and not through Apache";
  return $response;
}

sub is_relayed {
  my ($name, $reason, @arguments) = @_;
  my $mark = log_mark();
  is_whole_stream(curl(@arguments), 'sealed', "$name: the whole stream arrives");
  like wait_for_log($mark, qr/SH0006/), qr/SH0006: relaying.* because \Q$reason\E/, "$name: through Apache, with the reason";
}

# Of several responses of one curl, which come one behind the other.
sub last_of {
  my ($response) = @_;
  my ($head, $body) = (split m{(?=^HTTP/1\.1 )}m, "$response->{head}\r\n$response->{body}")[-1] =~ /\A(.*?)\r\n\r\n(.*)\z/s;
  my ($status) = $head =~ m{^HTTP/\S+ (\d+)};
  return { status => $status, head => $head, body => $body, exit => $response->{exit} };
}

my $url = $keys . asks($daemon->socket);

# Every suite, on a connection's first request and on a later one.
my %suites = (
  1.3 => [qw(TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256)],
  1.2 => [qw(ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305 AES128-GCM-SHA256)],
);
for my $version (sort keys %suites) {
  my $option = $version eq 1.3 ? '--tls13-ciphers' : '--ciphers';
  for my $suite (@{ $suites{$version} }) {
    my @way = ('--tls-max', $version, "--tlsv$version", $option, $suite);
    is_handed_over("TLS $version, $suite", @way, $url);
    is_whole_stream(last_of(curl(@http1, @way, ($page) x 9, $url)), 'sealed', "TLS $version, $suite, tenth request");
  }
}

# Requests with a body, and a client's certificate that is asked for in mid-connection.
my $body = Apache::Test::vars('t_logs') . '/body';
open my $file, '>', $body or die $!;
print $file 'x' x 300_000;
close $file or die $!;
for my $version (1.2, 1.3) {
  my @way = ('--tls-max', $version);
  is_handed_over("TLS $version, POST", @way, '--data-binary', "\@$body", $url);
  is_handed_over("TLS $version, with a client's certificate", @way, '--cert', "$root/conf/tls.crt", '--key', "$root/conf/tls.key",
    "$keys/in/client-certificate" . asks($daemon->socket));
}
is_handed_over('mod_php', "$keys/in/mod-php" . asks($daemon->socket))
  if curl(@http1, "$keys/in/mod-php/sapi.php")->{body} eq "apache2handler\n";
is_handed_over('HTTP/1.0', '--http1.0', '--no-alpn', $url);
is_whole_stream(curl(@http1, $keys . path_with('/data-in-body.php', socket => $daemon->socket, bytes => 200_000)), 'x' x 50,
  'data in a memfd: the whole stream arrives');

# A handler that works longer than the client may take for its request.
is_handed_over('mod_reqtimeout', '--data-binary', "\@$body", $keys . asks($daemon->socket, sleep_ms => 1500));

# What cannot leave Apache.
my @cbc = qw(--tls-max 1.2 --ciphers ECDHE-RSA-AES128-SHA256);
is_relayed('CBC', 'its cipher suite is neither', @http1, @cbc, $url);
is_relayed('CCM', 'its cipher suite is neither', @http1, qw(--tls13-ciphers TLS_AES_128_CCM_SHA256), $url);
is_relayed('SocketHandoffTLS Off', 'it came over TLS, and SocketHandoffTLS is Off', @http1, "$keys/in/tls-off" . asks($daemon->socket));
is_relayed('HTTP/2', 'it came over HTTP/2', '--http2', $url) if status()->{ServerMPM} ne 'prefork';
is curl(@http1, @cbc, "$keys/in/no-relay" . asks($daemon->socket))->{status}, 500,
  'with SocketHandoffRelay Off a client that cannot be handed over gets 500';

# What s_client shows of the connection, and what it has received.
sub s_client {
  my ($port, $input, @arguments) = @_;
  my $pid = open3(my $in, my $out, undef, qw(openssl s_client -ign_eof -connect), "127.0.0.1:$port", @arguments);
  print $in $input;
  local $/;
  my $received = <$out>;
  waitpid $pid, 0;
  return $received;
}

sub request {
  my ($path, @headers) = @_;
  return join "\r\n", "GET $path HTTP/1.1", 'Host: localhost', @headers, '', '';
}

# A session that a hand-off has ended can be resumed, with tickets and by its number.
for my $case ([ 'tls_keys', '-tls1_3' ], [ 'tls_keys', '-tls1_2' ], [ 'tls_without_tickets', '-tls1_2' ]) {
  my ($host, $version) = @$case;
  my $session = Apache::Test::vars('t_logs') . "/session-$host$version";
  my @common  = (port_of($host), request(asks($daemon->socket)), $version);
  like s_client(@common, '-sess_out', $session), qr/sealed.*\[DONE\]/s, "$host, $version: handed over";
  my $again   = s_client(@common, '-sess_in', $session);
  like $again, qr/^Reused, /m,         "$host, $version: its session is resumed";
  like $again, qr/sealed.*\[DONE\]/s, "$host, $version: and handed over again";
}

# A request behind the first one, which Apache has read with it.
{
  my $mark = log_mark();
  like s_client(port_of('tls_keys'), request(asks($daemon->socket)) . request('/page.html', 'Connection: close')), qr/sealed.*\[DONE\]/s,
    'a pipelined request: the whole stream arrives';
  like log_since($mark), qr/SH0006.*Apache has decrypted more/, 'a pipelined request: through Apache';
}

# The first request fills one TLS record, so that the second one has a record of its own. Whether Apache reads it with the
# first one or leaves it to the daemon is a matter of chance.
{
  my @padding = map { "X-Padding-$_: " . 'x' x 4_000 } 1 .. 3;
  my $rest    = 16_384 - length request(asks($daemon->socket), @padding, 'X-Rest: ');
  my $first   = request(asks($daemon->socket), @padding, 'X-Rest: ' . 'x' x $rest);
  is length $first, 16_384, 'a request as long as a record';
  like s_client(port_of('tls_keys'), $first . request('/page.html', 'Connection: close')), qr/sealed.*\[DONE\]/s,
    'a pipelined request in a record of its own: the whole stream arrives';
}

# Daemons that refuse.
sub saying {
  my ($answer) = @_;
  return Handoff::ScriptedDaemon->start(sub { Handoff::ScriptedDaemon::says($_[0], $answer) });
}
{
  my $full     = saying('R{"status":429,"retry_after":7,"connection":1}');
  my $response = curl(@http1, $keys . asks($full->socket));
  is $response->{status}, 429, 'a refused client gets the status from Apache, over TLS';
  is $response->{headers}{'retry-after'}[0], 7, 'a refused client gets Retry-After';
  is substr($full->next_payload, 0, 1), "\x01", 'the message begins with the connection part';
}
{
  my $mark  = log_mark();
  my $older = Handoff::ScriptedDaemon->start(sub { Handoff::ScriptedDaemon::says($_[0], $_[1] =~ /^\x01/ ? 'R{"status":400}' : 'R{"status":429}') });
  for (1 .. 2) {
    is curl(@http1, "$keys/in/acknowledge" . asks($older->socket))->{status}, 429, "a daemon of an older generation gets a relayed client, time $_";
  }
  like log_since($mark), qr/:notice\].*SH0010: the daemon at \S+ is of an older generation/, 'the log has one notice';
  is(() = log_since($mark) =~ /:notice\].*SH0010/g, 1, 'and no further one');
  is_whole_stream(curl(@http1, $keys . asks($older->socket . ',' . $daemon->socket)), 'sealed', "a list's next daemon gets the keys");
}

# While the stream goes on, nothing of Apache is held; and when Apache has done with it, nothing of Apache reaches it.
{
  my $slow = Handoff::Daemon->start(delay => 60_000);
  my $mark = log_mark();
  my $busy = status()->{BusyWorkers};
  my $pid  = open3(my $in, my $out, undef, qw(openssl s_client -ign_eof -connect), '127.0.0.1:' . port_of('tls_keys'));
  print $in request(asks($slow->socket, zz => 'lingers'));
  my $received = '';
  wait_until { sysread($out, $received, 4096, length $received); $received =~ /"You said: sealed/ } 'the first event';
  Handoff::Apache::wait_for_access(qr/zz=lingers/);
  wait_until { status()->{BusyWorkers} <= $busy } 'the worker to be free';
  pass 'a client over TLS holds no worker';
  Handoff::Apache::restart('USR1');
  is waitpid($pid, 1), 0, 'a graceful restart of Apache does not end the stream';
  $slow->kill;
  { local $/; $received .= <$out> // '' }
  waitpid $pid, 0;
  # A record of Apache, such as its close_notify, would be one that cannot be decrypted.
  like $received, qr/unexpected eof while reading/, 'the client has received nothing of Apache';
  is_deeply [ errors_since($mark) ], [], 'no error in the log';
  is_handed_over('after a graceful restart', $url);
}

# Hosts with other settings behind one address, for each order in which the modules load.
for my $order ([qw(socket_handoff ssl)], [qw(ssl socket_handoff)]) {
  my $name   = join ' before ', @$order;
  my $port   = Handoff::PrivateApache::port();
  my $host   = sub {
    my ($server, @directives) = @_;
    return join "\n", "<VirtualHost *:$port>", "ServerName $server", 'SSLEngine On', "SSLCertificateFile $root/conf/tls.crt",
      "SSLCertificateKeyFile $root/conf/tls.key", @directives, "</VirtualHost>\n";
  };
  my $apache = Handoff::PrivateApache->start(
    join '', map({ module($_) } 'headers', @$order),
    "SocketHandoffAllowedPrefix $root/run/\n<Location />\nHeader set X-Socket-Handoff @{[ $daemon->socket ]}\n",
    qq{Header set X-Handoff-Data "{\\"prompt\\":\\"sealed\\"}"\n</Location>\n},
    $host->('first.test', 'SSLProtocol TLSv1.2', 'SocketHandoffTLS On'),
    $host->('second.test', 'SSLProtocol TLSv1.3', 'SocketHandoffTLS On'),
    $host->('third.test', 'SocketHandoffTLS Off')
  );
  for my $server (qw(first.test second.test)) {
    is_handed_over("$name, $server", '--connect-to', "$server:443:127.0.0.1:$port", "https://$server/page.html");
  }
  is_relayed("$name, third.test", 'it came over TLS, and SocketHandoffTLS is Off', @http1, '--connect-to', "third.test:443:127.0.0.1:$port",
    'https://third.test/page.html');
}

unlike log_since($start), qr/SH030/, 'nothing was wrong with Apache';

done_testing;
