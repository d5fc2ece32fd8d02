# SPDX-License-Identifier: Apache-2.0
# For every order in which the modules load: the hand-off works, nothing leaks, and the data is as the handler wrote it.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark status times_logged);
use Handoff::Client 'path_with';
use Handoff::Daemon ();
use Handoff::PrivateApache 'module';
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;
my %both   = (socket => $daemon->socket, data => '{"prompt":"secret"}');
my $root   = Apache::Test::vars('serverroot');
my $cache  = Apache::Test::vars('t_logs') . '/cache-of-load-order';
mkdir $cache or die $!;

# Those in one group need each other in this order.
my @others = (
  ['headers'], [qw(filter deflate)], [qw(cache cache_disk)], [qw(proxy proxy_http proxy_fcgi)], ['lua'],
  status()->{ServerMPM} eq 'prefork' ? ['php'] : (),
);
my @reversed = reverse @others;
my @handoff  = ['socket_handoff'];
my %orders   = (
  'first'                        => [ @handoff, @others ],
  'last'                         => [ @others,  @handoff ],
  'first, the others reversed'   => [ @handoff,  @reversed ],
  'last, the others reversed'    => [ @reversed, @handoff ],
  'in between'                   => [ @others[ 0 .. 1 ], @handoff, @others[ 2 .. $#others ] ],
  'in between others reversed'   => [ @reversed[ 0 .. 1 ], @handoff, @reversed[ 2 .. $#reversed ] ],
);
my $configuration = <<"END";
SocketHandoffAllowedPrefix $root/run/
SocketHandoffAcknowledge On
# Without mod_ssl there is nothing to watch.
SocketHandoffTLS On
<FilesMatch "\\.php\$">
  SetHandler "proxy:unix:$root/run/php-fpm.sock|fcgi://localhost"
</FilesMatch>
AddHandler lua-script .lua
<Location "/in/deflated">
  SetOutputFilter DEFLATE
</Location>
<LocationMatch "^/in/by-headers">
  Header set X-Socket-Handoff $both{socket}
  Header always set X-Handoff-Data "{\\"prompt\\":\\"secret\\"}"
</LocationMatch>
<Location "/in/by-headers-off">
  SocketHandoffEnabled Off
</Location>
<IfModule php_module>
  <Location "/in/mod-php">
    SetHandler application/x-httpd-php
  </Location>
</IfModule>
CacheRoot $cache
CacheEnable disk "/in/cached"
END

sub does_not_leak {
  my ($response, $status, $name) = @_;
  is $response->{status}, $status, "$name: $status";
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, "$name: no header of ours";
}

for my $order (sort keys %orders) {
  my $apache = Handoff::PrivateApache->start(join '', map({ module($_) } map {@$_} @{ $orders{$order} }), $configuration);
  my $asks   = sub { $apache->get(path_with(@_)) };
  my $has_php = $apache->get('/in/mod-php/sapi.php')->{body} eq "apache2handler\n";

  for my $path (qw(/asks.php /asks.lua), $has_php ? '/in/mod-php/asks.php' : ()) {
    is_whole_stream($asks->($path, %both), 'secret', "$order: $path");
    does_not_leak($asks->($path, %both, socket => '/etc/x.sock'), 403, "$order: $path, forbidden");
  }
  is_whole_stream($apache->get('/in/by-headers/page.html'), 'secret', "$order: mod_headers asks");
  does_not_leak($apache->get('/in/by-headers/missing.html'), 404, "$order: mod_headers, on an error");
  does_not_leak($apache->get('/in/by-headers-off/page.html'), 200, "$order: mod_headers, switched off");
  is_whole_stream($apache->get(path_with('/in/deflated/data-in-body.php', socket => $daemon->socket, bytes => 5000),
    'Accept-Encoding: gzip'), 'x' x 50, "$order: data in a body that mod_deflate would compress");
  {
    my $mark = log_mark();
    my $data = '{"prompt":"told by its length"}';
    is_whole_stream($asks->('/in/cached/asks.php', %both, data => $data, zz => $order, 'headers[]' => 'Cache-Control: max-age=600'),
      'told by its length', "$order: mod_cache, time $_") for 1 .. 2;
    is times_logged($mark, qr/SH0001.* with @{[ length $data ]} bytes/, 2), 2, "$order: mod_cache stores no hand-off";
  }
}

done_testing;
