# SPDX-License-Identifier: Apache-2.0
# Under a filter that refuses io_uring, as containers have it, the daemon takes epoll; t/run --without-io-uring makes one.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

plan skip_all => 'no filter refuses io_uring' if !$ENV{HANDOFF_WITHOUT_IO_URING};

my $daemon = Handoff::Daemon->start;
like $daemon->log, qr/epoll takes the place of io_uring/, 'the daemon reports that it takes epoll';
is_whole_stream(get(path_with('/asks.php', socket => $daemon->socket, data => '{"prompt":"Say hello"}')),
  'Say hello', 'the whole stream arrives');

done_testing;
