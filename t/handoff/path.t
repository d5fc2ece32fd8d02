# SPDX-License-Identifier: Apache-2.0
# A path that is not allowed: an error for the client, the reason in the log, and never a connection.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Listener ();
use Handoff::Stream 'is_whole_stream';

my $root    = Apache::Test::vars('serverroot');
my $allowed = "$root/run";
my $outside = "$root/logs/outside-$$";
mkdir $outside or die "$outside: $!";

my $listener = Handoff::Listener->listen("$outside/x.sock");
symlink "$outside/x.sock", "$allowed/link-$$.sock" or die $!;
symlink $outside,          "$allowed/link-$$"      or die $!;
open my $file, '>', "$allowed/file-$$" or die $!;

sub is_refused {
  my ($path, $status, $reason, $name) = @_;
  my $mark     = log_mark();
  my $response = get(path_with('/asks.php', socket => $path, data => '{"prompt":"refused"}'), 'Connection: close');
  is $response->{status}, $status, "$name: $status";
  my $log = wait_for_log($mark, qr/SH0201/);
  like $log, qr/\[socket_handoff:error\].*SH0201.*$reason/, "$name: the reason is in the log";
  is(() = $log =~ /SH0/g, 1, "$name: in one line");
}

is_refused("$outside/x.sock",           403, 'is not in SocketHandoffAllowedPrefix', 'outside the prefix');
is_refused("$outside/missing.sock",     403, 'is not in SocketHandoffAllowedPrefix', 'outside, and missing');
is_refused("$allowed/../logs/outside-$$/x.sock", 403, 'contains', 'by ..');
is_refused("$allowed/link-$$.sock",     403, 'is not in SocketHandoffAllowedPrefix', 'by a link to the socket');
is_refused("$allowed/link-$$/x.sock",   403, 'is not in SocketHandoffAllowedPrefix', 'by a link to its directory');
is_refused("$allowed/link-$$/missing",  403, 'is not in SocketHandoffAllowedPrefix', 'by a link, and missing');
is_refused("$root/runaway/x.sock",      403, 'is not in SocketHandoffAllowedPrefix', 'neighbour of the prefix');
is_refused('run/x.sock',                500, 'is not absolute',  'relative');
is_refused('@abstract',                 500, 'is not absolute',  'abstract');
is_refused('',                          500, 'is empty',         'empty');
is_refused("$allowed/" . 'x' x 200,     500, 'is longer',        'too long');
is_refused("$allowed/file-$$",          500, 'is not a socket',  'a file');
ok !$listener->was_connected_to, 'nothing connected to the socket outside';

{
  my $daemon = Handoff::Daemon->start;
  symlink $daemon->socket, "$allowed/link-within-$$.sock" or die $!;
  is_whole_stream(get(path_with('/asks.php', socket => "$allowed/link-within-$$.sock", data => '{"prompt":"linked"}')),
    'linked', 'a link that stays within the prefix is allowed');
  is_whole_stream(get(path_with('/in/prefix-by-link/asks.php', socket => $daemon->socket, data => '{"prompt":"also"}')),
    'also', 'a prefix that is a link itself is resolved');
}

done_testing;
