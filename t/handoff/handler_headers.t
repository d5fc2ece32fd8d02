# SPDX-License-Identifier: Apache-2.0
# mod_headers asks, for a file that Apache itself serves: in either table, or in both.
use strict;
use warnings FATAL => 'all';

use POSIX 'strftime';
use Test::More;

use Apache::Test ();
use Handoff::Client 'get';
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start(socket => Apache::Test::vars('serverroot') . '/run/handlers.sock');

is_whole_stream(get("/in/headers-$_/page.html"), 'asked by mod_headers', "Header $_") for qw(set always-set both);
{
  my $response = get('/in/headers-always-set/missing.html');
  is $response->{status}, 404, 'a page that is not there is not handed off';
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, 'a missing page has no header of ours';
}
{
  my $response = get('/in/headers-set/page.html', strftime('If-Modified-Since: %a, %d %b %Y %T GMT', gmtime));
  is $response->{status}, 304, 'a page that has not changed is not handed off';
  unlike $response->{head}, qr/^X-(?:Socket-)?Handoff/mi, 'a page that has not changed has no header of ours';
}

done_testing;
