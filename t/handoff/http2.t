# SPDX-License-Identifier: Apache-2.0
# Clients over HTTP/2 are handed over with their connections, when the request that asks for it is the only open one. Apache lets
# go without an error, and what cannot go is relayed on the same connection.
use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Test::More;

use JSON::PP ();
use Handoff::Apache qw(errors_since handoff_log log_mark log_since port_of restart status wait_for_access wait_for_log);
use Handoff::Client 'path_with';
use Handoff::Curl 'curl';
use Handoff::Daemon ();
use Handoff::Http2Client ();
use Handoff::PrivateApache 'module';
use Handoff::ReservingDaemon ();
use Handoff::Wait 'wait_until';

plan skip_all => 'mod_http2 does not serve with prefork' if status()->{ServerMPM} eq 'prefork';

use constant BODY => qq(data: {"content":"reserved"}\n\ndata: [DONE]\n\n);
use constant { DATA => Handoff::Http2Client::DATA, PING => Handoff::Http2Client::PING, WINDOW_UPDATE => Handoff::Http2Client::WINDOW_UPDATE };

my $start  = log_mark();
my $daemon = Handoff::ReservingDaemon->start;
my $port   = port_of('http2_connections');
my $root   = Apache::Test::vars('serverroot');
my $files  = Apache::Test::vars('t_logs') . "/of-$$-";
my $number = 0;

# The path of a request that asks for a hand-off to the daemon, which does as it is told.
sub asks {
  my ($where, %wishes) = @_;
  return path_with("$where/asks.php", socket => $daemon->socket, data => JSON::PP::encode_json({ number => ++$number, %wishes }),
    'headers[]' => 'Set-Cookie: of=handler');
}

sub connect_client { return Handoff::Http2Client->connect(port => $port, @_) }

sub workers_become_idle {
  my ($name) = @_;
  my $status = wait_until { my $now = status(); $now->{BusyWorkers} <= 1 && $now } 'the workers to be idle';
  is $status->{BusyWorkers}, 1, $name;
}

sub counter { return status()->{"SocketHandoffHTTP2$_[0]"} }

# A file that the daemon waits for, or PHP; and creates it.
sub new_signal { return $files . ++$number }
sub give_signal { open my $file, '>', $_[0] or die "$_[0]: $!" }

# A request that takes until the signal is given.
sub begins { return path_with('/asks.php', waits_for => shift, echo => 5) }

# A connection whose request has a reservation that is not answered before the signal; and the request's stream.
sub connect_and_reserve {
  my ($signal, $where) = @_;
  my $client = connect_client();
  my $stream = $client->ask(asks($where // '', waits_for => $signal));
  ok $daemon->next_client->{waits}, 'a place is asked for';
  return ($client, $stream);
}

{
  my $mark     = log_mark();
  my $client   = connect_client(settings => { 4 => 1000 });
  my $before   = $client->ask('/page.html');
  my $page     = $client->receive_stream($before)->{body};
  my $response = $client->receive_stream($client->ask(asks('')));
  is $response->{body}, BODY, 'the daemon goes on with the stream of a connection that has served a page';
  is $response->{heads}, 1, 'and Apache has written nothing of the response';
  is_deeply $daemon->next_client,
    {
      stream => 3, highest => 3, max_frame => 16384, initial_window => 1000, stream_window => 1000,
      connection_window => 65535 - length $page, frames => '',
    },
    'the daemon knows the state of the connection';
  like wait_for_log($mark, qr/SH0001/), qr/SH0001: handed off/, 'Apache logs a hand-off';
  unlike log_since($mark), qr/SH0006/, 'and no relay';
  ok wait_for_access(qr{GET /asks\.php\S*number%22%3A$number\S* HTTP/2.0 200 0$}m), 'the access log has the request';
  like handoff_log(), qr{^accepted accepted 200 GET /asks\.php\S*number%22%3A$number\S* HTTP/2.0$}m, 'and can have what became of it';
  workers_become_idle('no worker of Apache is busy with it');
}
{
  my $client = connect_client();
  my ($next) = $client->request_frame('/page.html');
  my ($request, $stream) = $client->request_frame(asks(''));
  # What is cut goes along, and what is whole was Apache's to read.
  $client->send($request . Handoff::Http2Client::frame(WINDOW_UPDATE, 0, $stream, pack 'N', 77) . substr $next, 0, 12);
  is $client->receive_stream($stream)->{body}, BODY, 'a client may be sending its next request';
  my $state = $daemon->next_client;
  is $state->{frames}, unpack('H*', substr $next, 0, 12), 'whose cut frame the daemon gets';
  is $state->{stream_window}, 65535 + 77, 'and only that';
}
{
  my $mark   = log_mark();
  my $waits  = counter('Waits');
  my $client = connect_client();
  my $signal = new_signal();
  $client->ask(begins($signal));
  my $stream = $client->ask(asks(''));
  wait_until { counter('Waits') > $waits } 'the hand-off to wait';
  give_signal($signal);
  is $client->receive_stream($stream)->{body}, BODY, 'a hand-off waits for other streams';
  is join('', map { $_->{payload} } grep { $_->{type} == DATA } @{ $client->{others} }), 'xxxxx', 'whose responses arrive';
  is $daemon->next_client->{connection_window}, 65530, 'and count';
  unlike log_since($mark), qr/SH0006/, 'and nothing is relayed';
}

# Relayed by a stream of the same connection.
sub is_relayed {
  my ($name, $client, $stream) = @_;
  my $response = $client->receive_stream($stream);
  is $response->{body}, BODY, "$name: the answer is whole";
  is $response->{status}, 200, "$name: with its status";
  ok $daemon->next_client->{relayed}, "$name: through Apache";
  my $page = $client->ask('/page.html');
  is $client->receive_stream($page)->{status}, 200, "$name: which keeps the connection";
}

{
  my $mark   = log_mark();
  my $vain   = counter('WaitsInVain');
  my $signal = new_signal();
  my $client = connect_client();
  $client->ask(begins($signal));
  is_relayed('another stream is open', $client, $client->ask(asks('/in/no-wait')));
  give_signal($signal);
  like wait_for_log($mark, qr/SH0006/), qr/another stream of its HTTP\/2 connection is open/, 'with the reason';
  is counter('WaitsInVain'), $vain + 1, 'and counted';
}
{
  my $waits  = counter('Waits');
  my $signal = new_signal();
  my $client = connect_client();
  $client->ask(begins($signal));
  my @streams = map { $client->ask(asks('')) } 1, 2;
  wait_until { counter('Waits') == $waits + 2 } 'two hand-offs to wait';
  give_signal($signal);
  my %bodies;
  until (2 == grep { ($bodies{$_} // '') eq BODY } @streams) {
    my $frame = $client->receive_frame;
    $bodies{ $frame->{stream} } .= $frame->{payload} if $frame->{type} == DATA;
  }
  pass('of two that wait for each other one is relayed at once');
  ok grep({ $_->{relayed} } map { $daemon->next_client } @streams), 'through Apache';
}
for my $case (
  [ 'SocketHandoffHTTP2 Off', '/in/http2-off', 'SocketHandoffHTTP2 is Off' ],
  [ 'a proxy of SocketHandoffHTTP2Proxies', '/in/proxy', 'through a proxy' ],
  [ 'the variable no-http2-handoff', '', 'no-http2-handoff is set', 'user-agent' => 'python-httpx/0.28.1' ],
  [ 'a proxy that names itself', '', 'through a proxy', via => '1.1 proxy' ],
  [ 'a proxy that names its client', '', 'through a proxy', 'x-forwarded-for' => '192.0.2.1' ],
) {
  my ($name, $where, $reason, %headers) = @$case;
  my $mark   = log_mark();
  my $client = connect_client();
  is_relayed($name, $client, $client->ask(asks($where), %headers));
  like wait_for_log($mark, qr/SH0006/), qr/SH0006.* because .*\Q$reason\E/, "$name: with the reason";
}

# Between the two messages.
for my $case (
  [ 'a stream that is opened meanwhile', 'another stream of its connection is open', sub { $_[0]->ask(begins($_[1])) },
    '/in/no-wait' ],
  [ 'a client that closes meanwhile', 'its client is closing',
    sub { $_[0]->send(Handoff::Http2Client::frame(Handoff::Http2Client::GOAWAY, 0, 0, pack 'NN', 0, 0)) } ],
) {
  my ($name, $reason, $meanwhile, $where) = @$case;
  my $mark   = log_mark();
  my $signal = new_signal();
  my $other  = new_signal();
  my ($client, $stream) = connect_and_reserve($signal, $where);
  $meanwhile->($client, $other);
  $client->send(Handoff::Http2Client::frame(PING, 0, 0, '12345678'));
  1 until $client->receive_frame->{type} == PING;
  give_signal($signal);
  my $response = $client->receive_stream($stream);
  is $response->{body}, BODY, "$name: the answer is whole";
  is $response->{heads}, 2, "$name: behind an interim response";
  ok $daemon->next_client->{relayed}, "$name: the daemon that has kept the place is told by it";
  like wait_for_log($mark, qr/SH0006/), qr/SH0006.* because \Q$reason\E/, "$name: the reason is logged";
  give_signal($other);
}
{
  my $signal = new_signal();
  my $other  = new_signal();
  my $waits  = counter('Waits');
  my ($client, $stream) = connect_and_reserve($signal);
  $client->ask(begins($other));
  $client->send(Handoff::Http2Client::frame(PING, 0, 0, '12345678'));
  1 until $client->receive_frame->{type} == PING;
  give_signal($signal);
  wait_until { counter('Waits') > $waits } 'the hand-off to wait again';
  give_signal($other);
  my $response = $client->receive_stream($stream);
  is $response->{body}, BODY, 'a stream that is opened meanwhile and ends soon: the answer is whole';
  is $response->{heads}, 2, 'behind an interim response';
  is $daemon->next_client->{connection_window}, 65530, 'and from the daemon';
}

{
  my $mark     = log_mark();
  my $response = curl('--http2', "http://127.0.0.1:$port" . asks(''));
  is $response->{body}, BODY, 'a connection that was upgraded from HTTP/1.1: the answer is whole';
  ok $daemon->next_client->{relayed}, 'through Apache';
  like wait_for_log($mark, qr/SH0006/), qr/because its HTTP\/2 connection was not watched from its beginning/, 'with the reason';
}

sub over_h2c { return curl('--http2-prior-knowledge', "http://127.0.0.1:$port" . shift) }
{
  my $mark = log_mark();
  is over_h2c(asks('', refuses => 429))->{status}, 429, 'a refusal is answered by Apache';
  like wait_for_log($mark, qr/SH0207/), qr/refused the client with 429/, 'and logged';
  is over_h2c(asks('', refuses_client => 1))->{status}, 503, 'a refusal of the client as well';
  ok exists $daemon->next_client->{frames}, 'which had come with its connection';
  is over_h2c(asks('', leaves => 1))->{status}, 503, 'and a daemon that dies between the two messages';
  my $response = over_h2c(asks('', relays => 1));
  is $response->{body}, BODY, 'a place for relayed clients gets one';
  ok $daemon->next_client->{relayed}, 'through Apache';
  is_deeply $response->{headers}{'set-cookie'}, ['of=daemon'], "with the daemon's headers in place of the handler's";
}
{
  my $signal = new_signal();
  my ($client, $stream) = connect_and_reserve($signal);
  $client->send(Handoff::Http2Client::frame(Handoff::Http2Client::RST_STREAM, 0, $stream, pack 'N', Handoff::Http2Client::CANCEL));
  $client->receive_stream($client->ask('/page.html'));
  give_signal($signal);
  ok $daemon->next_client->{given_up}, 'the place of a client that has cancelled is given up';
  undef $client;    # the MPM worker counts a connection as busy until it closes
  workers_become_idle('and Apache is idle');
}
{
  my $signal = new_signal();
  connect_and_reserve($signal);
  give_signal($signal);
  ok $daemon->next_client->{given_up}, 'as is that of a client that has closed';
  workers_become_idle('and Apache is idle');
}
{
  my @clients = map { connect_client() } 1 .. 20;
  my @streams = map { $_->ask(asks('')) } @clients;
  is scalar(grep { $clients[$_]->receive_stream($streams[$_])->{body} eq BODY } 0 .. 19), 20, '20 connections at once';
  $daemon->next_client for 1 .. 20;
}
{
  my $client  = connect_client();
  my @streams = map { $client->ask(asks('/in/no-wait')) } 1 .. 20;
  my %bodies  = map { $_ => '' } @streams;
  while (grep { $_ ne BODY } values %bodies) {
    my $frame = $client->receive_frame;
    $bodies{ $frame->{stream} } .= $frame->{payload} if $frame->{type} == DATA;
  }
  pass('20 streams at once on one connection, each whole');
  $daemon->next_client for 1 .. 20;
  undef $client;
  workers_become_idle('and Apache is idle');
  is $daemon->clients_left, 0, 'and each of them was answered once';
}
{
  my $slow    = Handoff::Daemon->start(delay => 50);
  my $path    = path_with('/asks.php', socket => $slow->socket, data => '{"prompt":"restart"}');
  my $idle    = connect_client();
  my $handed  = connect_client();
  my $relayed = connect_client();
  my $mark    = log_mark();
  is $idle->receive_stream($idle->ask('/page.html'))->{status}, 200, 'a page before a graceful restart';
  my @answers = ([ 'handed over', $handed, $handed->ask($path) ], [ 'relayed', $relayed, $relayed->ask($path, 'user-agent' => 'python-httpx/0.28.1') ]);
  1 until $handed->receive_frame->{type} == DATA;
  1 until $relayed->receive_frame->{type} == DATA;
  restart('USR1');

  for my $answer (@answers) {
    my ($name, $client, $stream) = @$answer;
    my $response = $client->receive_stream($stream);
    like $response->{body}, qr/data: \[DONE\]\n\n\z/, "an answer that is $name goes on over a graceful restart";
    ok !exists $response->{reset}, "$name: to its end";
  }
  my @handed_off = log_since($mark) =~ /SH0001: handed off/g;
  is scalar @handed_off, 2, 'each was handed off once, with its connection or by a relay';
  my $fresh = connect_client();
  is $fresh->receive_stream($fresh->ask(asks('')))->{body}, BODY, 'hand-offs go on after it';
}

for my $order ([qw(socket_handoff http2 proxy proxy_fcgi reqtimeout)], [qw(reqtimeout proxy proxy_fcgi http2 socket_handoff)]) {
  my $apache = Handoff::PrivateApache->start(join '', map({ module($_) } @$order), <<"END");
Protocols h2c http/1.1
SocketHandoffHTTP2 On
SocketHandoffAcknowledge On
SocketHandoffAllowedPrefix $root/run/
<FilesMatch "\\.php\$">
  SetHandler "proxy:unix:$root/run/php-fpm.sock|fcgi://localhost"
</FilesMatch>
END
  my $client = connect_client(port => Handoff::PrivateApache::port());
  is $client->receive_stream($client->ask(asks('')))->{body}, BODY, "loaded as @$order: HTTP/2";
  is $daemon->next_client->{stream}, 1, 'goes to the daemon';
  is $apache->get('/page.html')->{status}, 200, 'and HTTP/1.1 is served';
}

is_deeply [ grep { !/SH020[36]/ } errors_since($start) ], [], 'the error log has nothing but the daemon that died';

done_testing;
