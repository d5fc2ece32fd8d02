# SPDX-License-Identifier: Apache-2.0
# A connection over HTTP/2 that a proxy may share among clients stays with Apache, if mod_remoteip has found the client behind it.
use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Test::More;

use Handoff::Apache qw(log_mark status wait_for_log);
use Handoff::Client 'path_with';
use Handoff::Http2Client ();
use Handoff::PrivateApache 'module';
use Handoff::ReservingDaemon ();

plan skip_all => 'mod_http2 does not serve with prefork' if status()->{ServerMPM} eq 'prefork';

my $root   = Apache::Test::vars('serverroot');
my $port   = Handoff::PrivateApache::port();
my $apache = Handoff::PrivateApache->start(join '', map({ module($_) } qw(http2 proxy proxy_fcgi remoteip socket_handoff)), <<"END");
Protocols h2c http/1.1
SocketHandoffHTTP2 On
SocketHandoffAllowedPrefix $root/run/
RemoteIPHeader X-Real-IP
<FilesMatch "\\.php\$">
  SetHandler "proxy:unix:$root/run/php-fpm.sock|fcgi://localhost"
</FilesMatch>
Listen 127.0.0.1:@{[ $port - 1 ]}
Listen 127.0.0.1:@{[ $port - 2 ]}
<VirtualHost 127.0.0.1:$port>
  RemoteIPInternalProxy 127.0.0.0/8
</VirtualHost>
<VirtualHost 127.0.0.1:@{[ $port - 1 ]}>
  RemoteIPTrustedProxy 127.0.0.1
</VirtualHost>
<VirtualHost 127.0.0.1:@{[ $port - 2 ]}>
  RemoteIPProxyProtocol On
</VirtualHost>
END
my $daemon = Handoff::ReservingDaemon->start;
my $asks   = path_with('/asks.php', socket => $daemon->socket, data => '{}');

# A load balancer that speaks the PROXY protocol.
{

  package BehindLoadBalancer;
  use parent -norequire, 'Handoff::Http2Client';
  sub make_handshake { $_[0]->send("PROXY TCP4 198.51.100.7 127.0.0.1 40000 80\r\n") }
}

sub is_relayed {
  my ($name, $class, $port, %headers) = @_;
  my $mark     = log_mark();
  my $client   = $class->connect(port => $port);
  my $response = $client->receive_stream($client->ask($asks, %headers));
  like $response->{body}, qr/\[DONE\]/, "$name: the answer is whole";
  ok $daemon->next_client->{relayed}, "$name: through Apache";
  like wait_for_log($mark, qr/SH0006/), qr/because it came over HTTP\/2 through a proxy/, "$name: with the reason";
}

is_relayed('a proxy of RemoteIPInternalProxy', 'Handoff::Http2Client', $port,     'x-real-ip' => '10.1.2.3');
is_relayed('a proxy of RemoteIPTrustedProxy',  'Handoff::Http2Client', $port - 1, 'x-real-ip' => '198.51.100.7');
is_relayed('the PROXY protocol',               'BehindLoadBalancer',   $port - 2);

my $client = Handoff::Http2Client->connect(port => $port - 1);
like $client->receive_stream($client->ask($asks))->{body}, qr/\[DONE\]/, 'a client without a proxy: the answer is whole';
is $daemon->next_client->{stream}, 1, 'a client without a proxy: from the daemon';

done_testing;
