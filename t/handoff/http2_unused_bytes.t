# SPDX-License-Identifier: Apache-2.0
# What Apache has read of a client over HTTP/2 and not used when the connection leaves goes along: of its frames and of its TLS
# records, cut or whole. Each ping is answered once, by Apache or by the daemon.
use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Test::More;

use Handoff::Apache qw(access_log errors_since log_mark log_since port_of status wait_for_log);
use Handoff::Client 'path_with';
use Handoff::Daemon ();
use Handoff::Http2Client ();
use Handoff::ReservingDaemon ();
use Handoff::TlsHttp2Client ();
use Handoff::Wait 'wait_until';

plan skip_all => 'mod_http2 does not serve with prefork' if status()->{ServerMPM} eq 'prefork';

use constant { DATA => 0, HEADERS => 1, PING => 6, UNKNOWN => 0xfa };
use constant { ACK => 1, END_STREAM => 1 };

# What mod_ssl gives to mod_http2 at a time.
use constant MOD_SSL_BYTES => 8192;

my $start  = log_mark();
my $daemon = Handoff::Daemon->start(delay => 1);
my $files  = Apache::Test::vars('t_logs') . "/of-$$-";
my $number = 0;

sub new_signal { return $files . ++$number }
sub give_signal { open my $file, '>', $_[0] or die "$_[0]: $!" }

sub connect_client {
  my ($class, %options) = @_;
  return $class->connect(port => port_of($class =~ /Tls/ ? 'http2_over_tls' : 'http2_connections'), %options);
}

sub asks {
  my ($socket, $data, %query) = @_;
  return path_with('/asks.php', socket => $socket, data => $data, %query);
}

sub ping { return Handoff::Http2Client::frame(PING, 0, 0, sprintf 'ping%04d', shift) }

# A frame of a type that nobody knows, with its head so long.
sub ignored_frame { return Handoff::Http2Client::frame(UNKNOWN, 0, 0, 'x' x ($_[0] - 9)) }

# Notes the frame: how often each ping was answered, and the body of each stream.
sub take_frame {
  my ($client, $seen) = @_;
  my $frame = $client->receive_frame;
  ++$seen->{pings}{ $frame->{payload} } if $frame->{type} == PING && $frame->{flags} & ACK;
  $seen->{bodies}{ $frame->{stream} } .= $frame->{payload} if $frame->{type} == DATA;
  $seen->{ended}{ $frame->{stream} } = 1 if $frame->{type} <= HEADERS && $frame->{flags} & END_STREAM;
  return $frame;
}

sub expect_pings {
  my ($name, $client, $seen, $pings) = @_;
  take_frame($client, $seen) until keys %{ $seen->{pings} } == $pings;
  is_deeply $seen->{pings}, { map { sprintf('ping%04d', $_) => 1 } 1 .. $pings }, "$name: each ping is answered once";
}

sub expect_answer {
  my ($name, $client, $stream, $seen, $pings) = @_;
  take_frame($client, $seen) until $seen->{ended}{$stream};
  expect_pings($name, $client, $seen, $pings);
  my $events = () = $seen->{bodies}{$stream} =~ /^data: /mg;
  is $events, Handoff::Daemon::EVENTS + 1, "$name: the answer is whole";
}

# A record, or a frame without TLS, that is cut when the connection leaves.
for my $case (
  [ 'Handoff::Http2Client', 'a frame', 12 ],
  map { [ 'Handoff::TlsHttp2Client', 'a TLS record', $_ ] } 1, 4, 5, 6, 20
) {
  my ($class, $what, $bytes) = @$case;
  my $name   = "$bytes bytes of $what";
  my $mark   = log_mark();
  my $signal = new_signal();
  my $client = connect_client($class);
  my $stream = $client->ask(asks($daemon->socket, '{"prompt":"cut","backend":"hold"}', waits_for => $signal));
  my ($first, $second) = map { $client->can('seal') ? $client->seal(ping($_)) : ping($_) } 1, 2;
  $client->Handoff::Client::send($first . substr $second, 0, $bytes);
  my %seen;
  1 until take_frame($client, \%seen)->{type} == PING;
  give_signal($signal);
  1 until take_frame($client, \%seen)->{type} == DATA;
  is scalar keys %{ $seen{pings} }, 1, "$name: one ping is answered before";
  $client->Handoff::Client::send(substr $second, $bytes);
  expect_pings($name, $client, \%seen, 2);
  my ($frames, $records) = $class =~ /Tls/ ? (0, $bytes) : ($bytes, 0);
  like wait_for_log($mark, qr/SH0001/), qr/SH0011: $frames bytes of frames and $records of TLS records/, "$name: they go along";
  unlike log_since($mark), qr/SH0006/, "$name: and not through Apache";
}

# The primary connection's thread is made to write to a client that does not read, until a daemon keeps a place and the bytes
# have arrived: it then reads a part of them, lets the connection go, and has the rest.
sub leave_behind_a_slow_page {
  my ($class, $asks, $bytes) = @_;
  my $client = connect_client($class, receive_buffer => 4096);
  my ($stream, $keep_place) = $asks->($client);
  my $page = $client->ask(path_with('/asks.php', echo => 60_000));
  my %seen;
  1 until take_frame($client, \%seen)->{type} == DATA;
  $client->Handoff::Client::send($bytes->($client));
  $keep_place->();
  status() for 1 .. 3;    # the request's thread has less to do
  return ($client, $stream, \%seen);
}

# How many connections of others there are to this socket, accepted or not.
sub connections_to {
  my ($socket) = @_;
  open my $file, '<', '/proc/net/unix' or die $!;
  return scalar grep {/ \Q$socket\E$/} <$file>;
}

sub asks_the_daemon {
  my ($client) = @_;
  my $connections = connections_to($daemon->socket);
  $daemon->suspend;
  my $stream = $client->ask(asks($daemon->socket, '{"prompt":"unread"}'));
  wait_until { connections_to($daemon->socket) > $connections } 'a place to be asked for';
  return ($stream, sub { $daemon->resume });
}

# A record with as much as mod_ssl reads at a time, and the pings.
sub seal_long_record { return $_[0]->seal(ignored_frame(MOD_SSL_BYTES) . join '', map { ping($_) } @_[ 1 .. $#_ ]) }

sub seal_each { return join '', map { $_[0]->seal(ping($_)) } @_[ 1 .. $#_ ] }

# Nothing shows how often the primary connection's thread reads before, so the bytes vary. One try in four to ten meets it.
use constant TRIES => 80;

for my $case (
  [ 'whole records',   qr/ 0 bytes of frames and [1-9]\d* of TLS/, sub { seal_each($_[0], 1 .. 5) } ],
  [ 'decrypted bytes', qr/ [1-9]\d* bytes of frames and 0 of TLS/, sub { seal_each($_[0], 1 .. $_[1]) . seal_long_record($_[0], $_[1] + 1 .. 5) } ],
) {
  my ($name, $logged, $bytes) = @$case;
  my $mark = log_mark();
  for my $try (1 .. TRIES) {
    my ($client, $stream, $seen) =
      leave_behind_a_slow_page('Handoff::TlsHttp2Client', \&asks_the_daemon, sub { $bytes->($_[0], 3 - $try % 4) });
    expect_answer("$name, try $try", $client, $stream, $seen, 5);
    last if log_since($mark) =~ $logged;
  }
  like log_since($mark), $logged, "$name: they go along";
}
{
  my ($client, $stream, $seen) =
    leave_behind_a_slow_page('Handoff::Http2Client', \&asks_the_daemon, sub { join '', map { ping($_) } 1 .. 5 });
  expect_answer('without TLS', $client, $stream, $seen, 5);
}

# What was read for a hand-off that does not happen is Apache's to use.
{
  my $refusing = Handoff::ReservingDaemon->start;
  my $asks     = sub {
    my ($client) = @_;
    my $signal = new_signal();
    my $stream = $client->ask(asks($refusing->socket, qq({"refuses_client":true,"waits_for":"$signal"})));
    $refusing->next_client;
    return ($stream, sub { give_signal($signal) });
  };
  my $frames;
  for my $try (1 .. TRIES) {
    my ($client, $stream, $seen) = leave_behind_a_slow_page('Handoff::TlsHttp2Client', $asks,
      sub { seal_each($_[0], 1 .. 3 - $try % 4) . seal_long_record($_[0], 4 - $try % 4 .. 5) });
    take_frame($client, $seen) until $seen->{ended}{$stream} && keys %{ $seen->{pings} } == 5;
    is_deeply [ values %{ $seen->{pings} } ], [ (1) x 5 ], "a client that is refused, try $try: Apache answers its pings";
    $frames = $refusing->next_client->{frames} and last;
  }
  like $frames, qr/^0000080600/, 'of which some were offered to the daemon';
}

unlike access_log(), qr{prompt%22%3A%22(?:cut|unread)\S* HTTP/2.0 500 }, 'no request that was handed over is logged a second time';
is_deeply [ grep { !/SH0207/ } errors_since($start) ], [], 'the error log has nothing';

done_testing;
