# The data's way to the daemon: whole up to the limit of one message, refused beyond it.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(log_mark wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

use constant LIMIT => 128 * 1024;

my $daemon = Handoff::Daemon->start;

is_whole_stream(get(path_with('/asks.lua', socket => $daemon->socket, data_bytes => LIMIT)),
  'x' x 50, 'the largest data is handed off');

my $mark = log_mark();
is get(path_with('/asks.lua', socket => $daemon->socket, data_bytes => LIMIT + 1))->{status}, 413,
  'one byte more is refused';
like wait_for_log($mark, qr/SH0102/), qr/SH0102: X-Handoff-Data has 131073 bytes, more than the 131072/,
  'and the log says what and why';

done_testing;
