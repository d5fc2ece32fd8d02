# SPDX-License-Identifier: Apache-2.0
# Daemons of other makes, which do not know SocketHandoffAcknowledge: their answers arrive whole, whether or not Apache waits
# for their acknowledgement, and whichever type their socket has.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::OtherDaemon ();
use Handoff::PrivateApache 'module';
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;
my $data   = '{"prompt":"other"}';

sub asks {
  my ($section, $sockets) = @_;
  return path_with("/in/$section/asks.php", socket => $sockets, data => $data);
}

sub is_answer_of_other_daemon {
  my ($response, $name) = @_;
  is $response->{status}, 200, "$name: 200";
  like $response->{body}, qr/\Adata: \{"apache":\{.*\},"prompt":"other"\}\n\ndata: \[DONE\]\n\n\z/, "$name: whole, and nothing else";
}

for my $type (qw(seqpacket stream)) {
  for my $manner (qw(at-once after-the-answer)) {
    my $other = Handoff::OtherDaemon->start($type, $manner);
    for my $section ('stream-sockets', 'acknowledge-stream-sockets') {
      is_answer_of_other_daemon(get(asks($section, $other->socket . ',' . $daemon->socket)), "$section: $type, closes $manner")
        for 1 .. 2;
    }
  }
}
{
  my $stream = Handoff::Daemon->start(arguments => [ '--socket-type' => 'stream' ]);
  for my $section ('stream-sockets', 'acknowledge-stream-sockets') {
    is_whole_stream(get(asks($section, $stream->socket)), 'other', "$section: this project's daemon, as SOCK_STREAM");
  }
  my $refused = path_with('/in/acknowledge-stream-sockets/asks.php', socket => $stream->socket, data => '{"prompt":7}');
  is get($refused)->{status}, 400, 'and its refusal reaches Apache';
}
{
  my $other = Handoff::OtherDaemon->start('stream', 'at-once');
  my $mark  = log_mark();
  is get(asks('acknowledge', $other->socket))->{status}, 403, 'a SOCK_STREAM daemon needs SocketHandoffStreamSockets';
  like wait_for_log($mark, qr/SH0201/), qr/SocketHandoffStreamSockets is Off: set it On/, 'the log says so';
}
sub start_apache {
  my $root = Apache::Test::vars('serverroot');
  return Handoff::PrivateApache->start(join '', map({ module($_) } qw(socket_handoff proxy proxy_fcgi)), <<"END");
SocketHandoffAllowedPrefix $root/run/
SocketHandoffAcknowledge On
<FilesMatch "\\.php\$">
  SetHandler "proxy:unix:$root/run/php-fpm.sock|fcgi://localhost"
</FilesMatch>
END
}

my $apache = start_apache();
{
  my $mark  = log_mark();
  my $other = Handoff::OtherDaemon->start('seqpacket', 'at-once');
  is_answer_of_other_daemon($apache->get(asks('any', $other->socket)), "answer $_") for 1 .. 3;
  my $log = wait_for_log($mark, qr/(?:SH0001.*){3}/s);
  is(() = $log =~ /:notice\].*SH0007.*SocketHandoffAcknowledge Off/g, 1, 'the log has one notice that the daemon never answers');
  unlike $log, qr/SH0206|SH0205/, 'a daemon that never answers is not logged as a failure';
}
for my $type (qw(seqpacket stream)) {
  my $other = Handoff::OtherDaemon->start($type, 'without-reading');
  my $mark  = log_mark();
  is get(asks('acknowledge-stream-sockets', $other->socket))->{status}, 503,
    "$type: a daemon that has not read the message has not taken the client";
  # It can close before the message is sent, which has a number of its own.
  like wait_for_log($mark, qr{SH020[36]}), qr{SH020[36]}, "$type: a daemon that has not read the message is logged";
  is_whole_stream(get(asks('acknowledge-stream-sockets', $other->socket . ',' . $daemon->socket)), 'other',
    "$type: the list's next daemon gets the client that the first one did not read");
}
{
  my $crashes = Handoff::OtherDaemon->start('seqpacket', 'after-the-word');
  is_answer_of_other_daemon($apache->get(asks('any', $crashes->socket)), 'a daemon that answers streams');
  my $mark = log_mark();
  is $apache->get(asks('any', $crashes->socket))->{status}, 503, 'a daemon that has answered before and closes without an answer has not taken the client';
  like wait_for_log($mark, qr/SH0206/), qr/:error\].*SH0206: the daemon at \S+ closed/, 'a daemon that closes without an answer is logged as an error';
  is_whole_stream($apache->get(asks('any', $crashes->socket . ',' . $daemon->socket)), 'other', "the list's next daemon gets the client of one that closed without an answer");
}

done_testing;
