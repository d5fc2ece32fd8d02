# SPDX-License-Identifier: Apache-2.0
# The configuration that comes with the module opens nothing but streaming-daemon's socket: neither a proxied application
# nor another user's script nor .htaccess can send bytes to the socket of another server, such as PHP-FPM's.
use strict;
use warnings FATAL => 'all';

use Socket qw(SOCK_SEQPACKET SOCK_STREAM);
use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark log_since wait_for_log);
use Handoff::Application ();
use Handoff::Client qw(path_with);
use Handoff::Listener ();
use Handoff::PrivateApache 'module';

my $root      = Apache::Test::vars('serverroot');
my $documents = Apache::Test::vars('documentroot');
my $shipped   = do { open my $file, '<', "$root/conf/socket_handoff.conf" or die $!; local $/; <$file> };

# The configuration of an administrator who uses the example.
(my $enabled = $shipped) =~ s{^#(<Location) "[^"]*">\n#(  SocketHandoffEnabled On)\n#(</Location>)$}{$1 "/">\n$2\n$3}m
  or die 'the shipped file has no example of a <Location>';

# The attack: a FastCGI request whose variables make PHP run the request's body.
sub fastcgi_request {
  my $record  = sub { my ($type, $content) = @_; pack('CCnnCx', 1, $type, 1, length $content, 0) . $content };
  my %params  = (
    SCRIPT_FILENAME => "$documents/page.html", REQUEST_METHOD => 'POST', CONTENT_LENGTH => 20,
    PHP_VALUE => 'auto_prepend_file=php://input',
  );
  my $params = join '', map { pack('CC', length $_, length $params{$_}) . $_ . $params{$_} } sort keys %params;
  return $record->(1, pack 'nCx5', 1, 0) . $record->(4, $params) . $record->(4, '') . $record->(5, '<?php system("id"); ?>');
}

my $victims_socket = "$root/run/victim-$$.sock";
my $victim         = Handoff::Listener->listen($victims_socket, SOCK_STREAM);
my $seqpacket      = Handoff::Listener->listen("$root/run/victim-$$.seqpacket", SOCK_SEQPACKET);
my @asks_in_body   = ("X-Socket-Handoff: $victims_socket", 'X-Handoff-Data-Source: body');
my $application    = Handoff::Application->start(join "\r\n", 'HTTP/1.1 200 OK', @asks_in_body, 'Connection: close', '',
  fastcgi_request());
my $tenant = path_with('/asks-with-body.php', socket => $victims_socket, body => unpack 'H*', fastcgi_request());
my %attacks = (
  'a proxied application'            => '/backend/chat',
  'a proxied application, rewritten' => '/rewritten-backend/chat',
  'a proxied application of a balancer' => '/balanced/chat',
  "another user's script"            => $tenant,
  "another user's .htaccess"         => '/asked-by-htaccess/page.html',
);
mkdir "$documents/asked-by-htaccess" or die $!;
write_file("$documents/asked-by-htaccess/page.html", 'a page');
write_file("$documents/asked-by-htaccess/.htaccess", <<"END");
Header always set X-Socket-Handoff $victims_socket
Header always set X-Handoff-Data-Source body
END

sub write_file {
  my ($path, $text) = @_;
  open my $file, '>', $path or die "$path: $!";
  print $file $text;
  close $file or die $!;
}

sub start {
  my ($handoff) = @_;
  return Handoff::PrivateApache->start(join '',
    map({ module($_) } qw(socket_handoff headers rewrite proxy proxy_http proxy_fcgi slotmem_shm proxy_balancer
      lbmethod_byrequests)), <<"END", $handoff);
ProxyPass "/backend" "unix:$root/run/application.sock|http://localhost" retry=0 disablereuse=On
ProxyPass "/balanced" "balancer://applications"
<Proxy "balancer://applications">
  BalancerMember "unix:$root/run/application.sock|http://localhost" retry=0 disablereuse=On
</Proxy>
ProxyPassMatch "^/balanced-php/(.*)" "balancer://php$documents/\$1"
<Proxy "balancer://php">
  BalancerMember "unix:$root/run/php-fpm.sock|fcgi://localhost" retry=0
</Proxy>
RewriteEngine On
RewriteRule "^/rewritten-php/(.*)" "unix:$root/run/php-fpm.sock|fcgi://localhost$documents/\$1" [P]
RewriteRule "^/rewritten-backend/(.*)" "unix:$root/run/application.sock|http://localhost/\$1" [P]
<FilesMatch "\\.php\$">
  SetHandler "proxy:unix:$root/run/php-fpm.sock|fcgi://localhost"
</FilesMatch>
END
}

sub every_attack {
  my ($what, $apache, $status, $log) = @_;
  for my $attack (sort keys %attacks) {
    my $mark     = log_mark();
    my $response = $apache->get($attacks{$attack});
    is $response->{status}, $status, "$what: $attack gets $status";
    unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, "$what: $attack shows no header of ours";
    like wait_for_log($mark, qr/SH0/), $log, "$what: $attack is named in the log, with what to do";
    ok !$_->was_connected_to, "$what: $attack reaches no other server's socket" for $victim, $seqpacket;
  }
}

{
  my $apache = start($shipped);
  every_attack('as it is shipped', $apache, 403, qr/:warn\].*SH0003.*SocketHandoffEnabled is Off here/);
  my $response = $apache->get(path_with('/asks-with-body.php', socket => $victims_socket, body => unpack('H*', 'out of order'), status => 503));
  is_deeply [@$response{qw(status body)}], [503, 'out of order'], 'as it is shipped: a script that asked and then failed is heard';
}
{
  my $apache = start($enabled);
  every_attack('with its example', $apache, 403, qr/:error\].*(?:SH0105.*SocketHandoffAllowProxied|SH0201.*SocketHandoffAllowedPrefix)/);
  for my $attack (grep {/proxied/} sort keys %attacks) {
    my $mark = log_mark();
    $apache->get($attacks{$attack});
    like wait_for_log($mark, qr/SH0/), qr/SH0105/, "$attack is refused before its socket is looked at";
  }
  for my $way (qw(rewritten balanced)) {
    my $mark = log_mark();
    is $apache->get("/$way-php" . $tenant)->{status}, 403, "PHP-FPM on this host, $way";
    like wait_for_log($mark, qr/SH0/), qr/SH0201/, 'PHP-FPM on this host may ask for a socket within the prefix';
  }
}
{
  my $apache = start("$enabled\n<Location />\nSocketHandoffAllowProxied On\n</Location>\n");
  every_attack('where proxied servers may ask', $apache, 403, qr/:error\].*SH0201.*SocketHandoffAllowedPrefix/);
}
{
  my $apache = start("$enabled\n<Location />\nSocketHandoffAllowProxied On\nSocketHandoffAllowedPrefix $root/run/\n</Location>\n");
  every_attack('with a prefix that is too wide', $apache, 403, qr/:error\].*SH0201.*SocketHandoffStreamSockets is Off/);
}
{
  my $apache = start(join "\n", $enabled, '<Location />', 'SocketHandoffAllowProxied On', "SocketHandoffAllowedPrefix $root/run/",
    'SocketHandoffStreamSockets On', '</Location>', '');
  every_attack('with everything allowed', $apache, 403, qr/:error\].*SH0201.*only a JSON object on one line/);
}

done_testing;
