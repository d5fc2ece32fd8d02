# SPDX-License-Identifier: Apache-2.0
# Where directives are allowed, which value applies where, and the messages for wrong ones.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark port_of status wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::PrivateApache 'module';
use Handoff::ScriptedDaemon ();

my $daemon  = Handoff::Daemon->start;
my $missing = Handoff::Daemon->new_socket_path;

{
  my $mark = log_mark();
  is(Handoff::Client->connect(port => port_of('other'))->request(GET => path_with('/asks.php', socket => $missing))->{status},
    503, '503 in a virtual host that sets one directive');
  my $log = wait_for_log($mark, qr/SH0202/);
  like $log, qr/attempts: 1\)/, 'a virtual host uses the directive that it sets';
  unlike $log, qr/SH0201/, "a virtual host inherits the server's other directives";
}

is get(path_with('/off/asks.php', socket => $daemon->socket, echo => 3))->{body}, 'xxx',
  '.htaccess can switch hand-offs off';
{
  my $mark = log_mark();
  is get('/on/page.html')->{status}, 500, '.htaccess cannot switch hand-offs on';
  wait_for_log($mark, qr/SocketHandoffEnabled: only Off is allowed in \.htaccess/);
}

sub complaint_about {
  my ($directive) = @_;
  my $vars = Apache::Test::vars();
  open my $httpd, '-|', "$vars->{httpd} -t -d $vars->{serverroot} -f $vars->{t_conf_file} -c '$directive' 2>&1" or die $!;
  local $/;
  return scalar <$httpd>;
}

my %complaint = (
  'SocketHandoffEnabled perhaps'        => "'perhaps' is not On or Off",
  'SocketHandoffAllowedPrefix run'      => "'run' is not the absolute path of a directory or socket",
  'SocketHandoffForwardHeaders Vary None' => "'None' stands alone, and follows other names",
  'SocketHandoffForwardHeaders None Vary' => "'Vary' follows None, which stands alone",
  'SocketHandoffMaxRetries 21'          => "'21' is not a whole number from 0 to 20",
  'SocketHandoffMaxRetries -1'          => "'-1' is not a whole number from 0 to 20",
  'SocketHandoffConnectTimeoutMs 0'     => "'0' is not a whole number of milliseconds from 1 to 60000",
  'SocketHandoffConnectTimeoutMs 60001' => "'60001' is not a whole number of milliseconds from 1 to 60000",
  'SocketHandoffSendTimeoutMs 1s'       => "'1s' is not a whole number of milliseconds from 1 to 60000",
);
for my $directive (sort keys %complaint) {
  my ($name) = $directive =~ /(\w+)/;
  like complaint_about($directive), qr/\Q$name: $complaint{$directive}\E/, "$directive is refused by name and range";
}
like complaint_about('SocketHandoffMaxRetries 20'), qr/Syntax OK/, 'a directive in range is accepted';

# Each directive in each context: the section's value takes precedence over the server's.
my $root = Apache::Test::vars('serverroot');
my %outer = (
  SocketHandoffAllowedPrefix        => "$root/conf/",
  SocketHandoffConnectTimeoutMs     => 60_000,         # longer than a test waits
  SocketHandoffMaxRetries           => 20,
  SocketHandoffSendTimeoutMs        => 60_000,
  SocketHandoffAcknowledge          => 'Off',
  SocketHandoffAcknowledgeTimeoutMs => 60_000,
  SocketHandoffMaxDataSize          => 1,
  SocketHandoffForwardHeaders       => 'None',
  SocketHandoffDrainTimeoutMs       => 60_000,
  SocketHandoffRelay                => 'On',
  SocketHandoffEnabled              => 'Off',
  SocketHandoffStreamSockets        => 'Off',
  SocketHandoffAllowProxied         => 'Off',
);
my %inner = (
  SocketHandoffAllowedPrefix        => "$root/run/",
  SocketHandoffConnectTimeoutMs     => 500,
  SocketHandoffMaxRetries           => 1,
  SocketHandoffSendTimeoutMs        => 500,
  SocketHandoffAcknowledge          => 'On',
  SocketHandoffAcknowledgeTimeoutMs => 500,
  SocketHandoffMaxDataSize          => 100,
  SocketHandoffForwardHeaders       => 'X-Mine',
  SocketHandoffDrainTimeoutMs       => 20,
  SocketHandoffRelay                => 'Off',
  SocketHandoffEnabled              => 'On',
  SocketHandoffStreamSockets        => 'On',
  SocketHandoffAllowProxied         => 'On',
);

sub lines {
  my (%directives) = @_;
  return join '', map {"$_ $directives{$_}\n"} sort keys %directives;
}

my $documents = Apache::Test::vars('documentroot');
my %places    = (
  server         => lines(%inner),
  'virtual host' => lines(%outer) . '<VirtualHost *>' . "\n" . lines(%inner) . "</VirtualHost>\n",
  '<Directory>'  => lines(%outer) . "<Directory $documents>\n" . lines(%inner) . "</Directory>\n",
  '<Location>'   => lines(%outer) . "<Location />\n" . lines(%inner) . "</Location>\n",
);
my $has_http2 = status()->{ServerMPM} ne 'prefork';

for my $place (sort keys %places) {
  my $apache = Handoff::PrivateApache->start(
    join '', map({ module($_) } qw(socket_handoff proxy proxy_fcgi lua), $has_http2 ? 'http2' : ()), $places{$place},
    "<FilesMatch \"\\.php\$\">\nSetHandler \"proxy:unix:$root/run/php-fpm.sock|fcgi://localhost\"\n</FilesMatch>\nAddHandler lua-script .lua\n",
    $has_http2 ? "Protocols h2c http/1.1\n" : '');
  my $asks = sub { path_with('/several-headers.php', data => '{"prompt":"short"}', headers => 'X-Mine: here', @_) };

  my $refusing = Handoff::ScriptedDaemon->start(sub { Handoff::ScriptedDaemon::says($_[0], 'R{"status":429}') });
  is $apache->get($asks->(socket => $refusing->socket))->{status}, 429, "$place: SocketHandoffEnabled, SocketHandoffAcknowledge";
  like $refusing->next_payload, qr/\["X-Mine","here"\]/, "$place: SocketHandoffForwardHeaders";
  is $apache->get($asks->(socket => "$root/conf/x.sock"))->{status}, 403, "$place: SocketHandoffAllowedPrefix";
  is $apache->get($asks->(socket => $refusing->socket, data => 'x' x 101))->{status}, 413, "$place: SocketHandoffMaxDataSize";
  {
    my $mark = log_mark();
    is $apache->get($asks->(socket => $missing))->{status}, 503, "$place: SocketHandoffConnectTimeoutMs";
    like wait_for_log($mark, qr/SH0202/), qr/attempts: 2\)/, "$place: SocketHandoffMaxRetries";
  }
  {
    my $mark   = log_mark();
    my $silent = Handoff::ScriptedDaemon->start(sub { Handoff::ScriptedDaemon::says($_[0], '') });
    my $client = $apache->connect;
    $client->send_request(GET => $asks->(socket => $silent->socket));
    ok wait_for_log($mark, qr/SH0205/), "$place: SocketHandoffAcknowledgeTimeoutMs";
  }
  {
    my $client = $apache->connect;
    my $unread = path_with('/asks.lua', socket => $refusing->socket);
    $client->send("POST $unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
    is $client->receive_response->{status}, 408, "$place: SocketHandoffDrainTimeoutMs";
  }
  SKIP: {
    skip 'mod_http2 does not serve prefork', 1 if !$has_http2;
    my $url = 'http://127.0.0.1:' . Handoff::PrivateApache->port . $asks->(socket => $refusing->socket);
    like qx(curl --silent --include --max-time 30 --http2-prior-knowledge '$url'), qr{^HTTP/2 500}, "$place: SocketHandoffRelay";
  }
}

# A framework's front controller: the sections for the path after rewriting apply.
for my $case (
  ['<Location "/rewritten">',                             0],
  ["<Directory $documents>",                              1],
  ['<If "%{THE_REQUEST} =~ m#^GET /rewritten/chat[ ?]#">', 1],
) {
  my ($section, $enables) = @$case;
  my ($name) = $section =~ /(\w+)/;
  my $apache = Handoff::PrivateApache->start(
    join '', map({ module($_) } qw(socket_handoff proxy proxy_fcgi rewrite)),
    "SocketHandoffEnabled Off\nSocketHandoffAllowedPrefix $root/run/\n$section\nSocketHandoffEnabled On\n</$name>\n",
    "<FilesMatch \"\\.php\$\">\nSetHandler \"proxy:unix:$root/run/php-fpm.sock|fcgi://localhost\"\n</FilesMatch>\n");
  my $mark = log_mark();
  my $body = $apache->get(path_with('/rewritten/chat', socket => $daemon->socket, data => '{"prompt":"hi"}', echo => 3))->{body};
  if ($enables) {
    like $body, qr/\[DONE\]/, "a request that is rewritten is handed off with <$name>";
  } else {
    is $body, 'xxx', "a request that is rewritten is not handed off with <$name> of its first path";
    like wait_for_log($mark, qr/SH0003/), qr{is Off here, at /asks\.php:}, 'the log names the path after rewriting';
  }
}

# .htaccess: httpd's own complaint about all but one of them.
{
  my $apache = Handoff::PrivateApache->start(module('socket_handoff') . lines(%inner));
  for my $directive (sort keys %inner) {
    next if $directive eq 'SocketHandoffEnabled';
    my $name = "htaccess-$directive";
    mkdir "$documents/$name" or die $!;
    open my $file, '>', "$documents/$name/.htaccess" or die $!;
    print $file "$directive $inner{$directive}\n";
    close $file;
    my $mark = log_mark();
    is $apache->get("/$name/")->{status}, 500, "$directive in .htaccess is an error";
    like wait_for_log($mark, qr/\Q$directive\E/), qr/\Q$directive\E not allowed here/, "the log names $directive, which .htaccess may not set";
  }
}

done_testing;
