# SPDX-License-Identifier: Apache-2.0
# mod_cache neither stores what asks for a hand-off nor hands off from its store.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark port_of times_logged);
use Handoff::Client 'path_with';
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;
mkdir Apache::Test::vars('t_logs') . '/cache' or die $!;

my %ports = ('the quick handler' => Apache::Test::vars('port'), 'the filter' => port_of('cache_filter'));
for my $name (sort keys %ports) {
  my $get = sub { Handoff::Client->connect(port => $ports{$name})->request(GET => $_[0]) };

  my $cacheable = path_with('/in/cached/several-headers.php', socket => '/etc/x.sock', zz => $name, headers => 'Cache-Control: max-age=600');
  my $page      = path_with('/in/cached/asks.php', zz => $name, 'headers[]' => 'Cache-Control: max-age=600');
  $get->($page);
  ok defined $get->($page)->{headers}{age}, "$name: an ordinary answer is stored";

  my $handoff = path_with('/in/cached/several-headers.php',
    socket => $daemon->socket, data => '{"prompt":"again"}', zz => $name, headers => 'Cache-Control: max-age=600');
  my $mark = log_mark();
  is_whole_stream($get->($handoff), 'again', "$name: what is handed off") for 1 .. 3;
  is times_logged($mark, qr/SH0001/, 3), 3, "$name: is handed off each time";
  is $get->($cacheable)->{status}, 403, "$name: a failure" for 1 .. 2;
  ok !defined $get->($cacheable)->{headers}{age}, "$name: is not stored either";
}

done_testing;
