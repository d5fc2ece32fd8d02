# SPDX-License-Identifier: Apache-2.0
# Nothing leaks: whatever becomes of a request, the client sees neither of the hand-off's headers.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Client qw(get path_with);
use Handoff::Daemon ();

my $daemon  = Handoff::Daemon->start;
my $missing = Handoff::Daemon->new_socket_path;

sub does_not_leak {
  my ($response, $status, $name) = @_;
  is $response->{status}, $status, "$name: $status";
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, "$name: no header of ours";
}

my %both = (socket => $daemon->socket, data => '{"prompt":"secret"}');

for my $script (qw(asks.php asks.lua)) {
  does_not_leak(get(path_with("/$script", %both)), 200, "$script, handed off");
  does_not_leak(get(path_with("/$script", data => '{"prompt":"secret"}')), 200, "$script, only the data");
  does_not_leak(get(path_with("/in/disabled/$script", %both)), 200, "$script, disabled");
  does_not_leak(get(path_with("/$script", %both, socket => $missing)), 503, "$script, no daemon");
  does_not_leak(get(path_with("/$script", %both, socket => '/etc/x.sock')), 403, "$script, forbidden path");
}

does_not_leak(get(path_with('/asks.php', %both, status => 404)), 404, "a handler's own error");
does_not_leak(get(path_with('/in/error-override/asks.php', %both, status => 500)), 500, 'ProxyErrorOverride');
does_not_leak(get(path_with('/in/error-override-document/asks.php', %both, status => 500)), 500,
  'ProxyErrorOverride with an error document');
does_not_leak(get(path_with('/in/with-error-document/asks.php', %both, socket => $missing)), 503, 'an error document');

does_not_leak(get('/in/header-set/page.html'),            200, 'Header set, disabled');
does_not_leak(get('/in/header-always-set/page.html'),     200, 'Header always set, disabled');
does_not_leak(get('/in/header-always-set/missing.html'),  404, "Header always set, on httpd's own error");
does_not_leak(get('/in/header-always-set-on/missing.html'), 404, "Header always set, on httpd's own error, enabled");

done_testing;
