# SPDX-License-Identifier: Apache-2.0
# The example conf/beside-http2.conf: pages over HTTP/2, and a port beside it whose answers are handed off.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache 'status';
use Handoff::Client 'path_with';
use Handoff::Curl 'curl';
use Handoff::Daemon ();
use Handoff::PrivateApache 'module';
use Handoff::Stream 'is_whole_stream';
use Handoff::Wait 'wait_until';

my $root      = Apache::Test::vars('serverroot');
my $documents = Apache::Test::vars('documentroot');
# Of the ports that t/run found free; Handoff::PrivateApache's own is the one above.
my ($page_port, $answer_port) = map { Apache::Test::vars('port') + $_ } 17, 18;

sub file {
  my ($path) = @_;
  open my $file, '<', $path or die "$path: $!";
  local $/;
  return scalar <$file>;
}

# The shipped files, with what an administrator replaces.
my $example = file("$root/conf/beside-http2.conf");
for (
  [ qr/\b443\b/              => $page_port ],
  [ qr/\b8443\b/             => $answer_port ],
  [ qr/chat(?=\\?\.php)/     => 'asks' ],
  [ qr{/var/www/html}        => $documents ],
  [ qr{/etc/ssl/certs/[^"]*} => "$root/conf/tls.crt" ],
  [ qr{/etc/ssl/private/[^"]*} => "$root/conf/tls.key" ],
) {
  my ($pattern, $by) = @$_;
  $example =~ s/$pattern/$by/g or die "no $pattern in the example";
}
my $apache = Handoff::PrivateApache->start(join '',
  map({ module($_) } qw(ssl http2 headers rewrite proxy proxy_fcgi socket_handoff)), file("$root/conf/socket_handoff.conf"),
  $example, <<"END");
SocketHandoffAllowedPrefix $root/run/
<FilesMatch "\\.php\$">
  SetHandler "proxy:unix:$root/run/php-fpm.sock|fcgi://localhost"
</FilesMatch>
END

my $daemon  = Handoff::Daemon->start;
my $answers = "https://localhost:$answer_port" . path_with('/asks.php', socket => $daemon->socket, data => '{"prompt":"beside"}');
my @from_page = ('--header', 'Origin: https://www.example.com');

# Where the MPM is prefork, mod_http2 does not serve.
my $http2 = status()->{ServerMPM} eq 'prefork' ? '1.1' : '2';
is curl("https://localhost:$page_port/page.html")->{version}, $http2, 'the pages use HTTP/2';

my $response = curl(@from_page, '--data', 'prompt=beside', $answers);
is $response->{version}, '1.1', 'the port beside does not';
is_whole_stream($response, 'beside', 'its answers are whole');
is $response->{exit}, 0, 'and end well';
is $response->{headers}{'access-control-allow-origin'}[0], 'https://www.example.com', "the site's pages may read them";
is $response->{headers}{'access-control-allow-credentials'}[0], 'true', 'and send their cookies';
wait_until { $daemon->log =~ /stream ended/ } 'the end in the log';
like $daemon->log, qr/stream ended .*transport=tls/, 'an answer of the port beside is handed off';

$response = curl('--request', 'OPTIONS', @from_page, '--header', 'Access-Control-Request-Headers: content-type', $answers);
is $response->{status}, 204, 'a browser that asks for permission gets it';
is $response->{headers}{'access-control-allow-headers'}[0], 'Content-Type', 'to send JSON';
is $response->{headers}{'access-control-allow-origin'}[0], 'https://www.example.com', "from the site's pages";

done_testing;
