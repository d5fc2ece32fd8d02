# SPDX-License-Identifier: Apache-2.0
# Lists of sockets: tried in their order, each at once, and again together within the time.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark log_since wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon  = Handoff::Daemon->start;
my $missing = Handoff::Daemon->new_socket_path;
my $data    = '{"prompt":"listed"}';

sub asks {
  my ($section, $sockets, %query) = @_;
  return path_with("/in/$section/asks.php", socket => $sockets, data => $data, %query);
}

{
  my $mark = log_mark();
  is_whole_stream(get(asks('plain', "$missing, " . $daemon->socket)), 'listed', 'the second socket where the first is missing');
  my $log = wait_for_log($mark, qr/SH0001/);
  like $log, qr/:warn\].*SH0001.*'\Q$missing\E' cannot be connected to \(No such file or directory, attempts: 1\)/,
    'the log has the reason why the first socket was passed over';
  is(() = $log =~ /SH0/g, 1, 'a hand-off to the second socket is one line in the log');
}
is_whole_stream(get(asks('plain', $daemon->socket . ",$missing")), 'listed', 'the first socket where it is there');
is_whole_stream(get(asks('plain', '/etc/x.sock,' . $daemon->socket)), 'listed', 'one that is not allowed is passed over');
{
  my $mark = log_mark();
  is get(asks('plain', "/etc/x.sock,$missing"))->{status}, 503, '503 if no socket of a list takes the client';
  my $log = wait_for_log($mark, qr/SH0202/);
  like $log, qr{SH0202.*\Q$missing\E \(attempts: 4\).*'/etc/x.sock' is not in SocketHandoffAllowedPrefix},
    'the log names all sockets of a list that failed';
  is(() = $log =~ /SH0/g, 1, 'a list that failed is one line in the log');
}
{
  my $mark = log_mark();
  is_whole_stream(get(asks('plain', join ',', $daemon->socket, ('/etc/x.sock') x 16)), 'listed', 'the first socket of a list that is too long');
  my $log = wait_for_log($mark, qr/SH0001/);
  like $log, qr/:warn\].*SH0001.*the sockets after the first 16 are never tried/, 'a list that is too long is a warning in the log';
  is get(asks('plain', join ',', ('/etc/x.sock') x 16, $daemon->socket))->{status}, 403, 'the sockets after the first 16 are not tried';
  wait_for_log($mark, qr/SH0201.*the sockets after the first 16 are never tried/);
  is(() = log_since($mark) =~ /SH0/g, 2, 'a list that is too long is one line for each hand-off');
}
is get(asks('plain', '/etc/x.sock,/etc/y.sock'))->{status}, 403, '403 if no socket of a list is allowed';
is get(asks('plain', ' , '))->{status}, 500, 'a list of nothing is 500';
{
  my $client = Handoff::Client->connect;
  my $other  = Handoff::Daemon->new_socket_path;
  $client->send_request(GET => asks('patient', "$missing,$other"));
  my $late = Handoff::Daemon->start(socket => $other);
  is_whole_stream($client->receive_response, 'listed', 'a daemon that appears in time is reached, second in the list or not');
}
is_whole_stream(get(asks('plain', $missing, 'headers[]' => 'X-Socket-Handoff: ' . $daemon->socket)),
  'listed', 'the header given twice is a list: PHP');
is_whole_stream(get(path_with('/cgi/asks.cgi', socket => $missing, second => $daemon->socket, data => $data)),
  'listed', 'the header given twice is a list: CGI');

my $root = Apache::Test::vars('serverroot');
mkdir "$root/logs/second-$$" or die $!;
my $second = Handoff::Daemon->start(socket => "$root/logs/second-$$/x.sock");
is get(asks('plain', $second->socket))->{status}, 403, 'a socket elsewhere is refused';
is_whole_stream(get(asks('two-prefixes', $_->socket)), 'listed', 'several prefixes are allowed together')
  for $daemon, $second;
{
  my $mark = log_mark();
  is get(asks('other-prefix', $daemon->socket))->{status}, 403, "a section's prefix takes the place of its server's";
  like wait_for_log($mark, qr/SH0201/), qr{SocketHandoffAllowedPrefix is \S+/logs/\)}, "the log names the section's own prefix";
}
is_whole_stream(get(asks('other-prefix', $second->socket)), 'listed', "a section's own prefix admits its daemon");

done_testing;
