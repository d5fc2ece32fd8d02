# SPDX-License-Identifier: Apache-2.0
# Data in the body reaches the daemon as the handler wrote it, whichever of httpd's filters would compress it and
# however the handler flushes. What PHP itself has compressed is refused.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Handoff::Apache qw(log_mark wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();
use Handoff::Stream 'is_whole_stream';

my $daemon = Handoff::Daemon->start;
my @accept = ('Accept-Encoding: gzip, br');

sub by_body {
  my ($path, %query) = @_;
  return path_with($path, socket => $daemon->socket, bytes => 9_000, %query);
}

my @filters = map { ($_, "$_-by-type") } qw(deflated brotli);
sub comes_through {
  my ($section) = @_;
  is_whole_stream(get(by_body("/in/$section/data-in-body.php"), @accept), 'x' x 50, $section);
  is_whole_stream(get(by_body("/in/$section/data-in-body.php", pieces => 1), @accept), 'x' x 50, "$section, in pieces");
  is_whole_stream(get(by_body("/in/$section/sends.php"), @accept), 'x' x 50, "$section, by the class for PHP");
}

# With "flushed", Apache flushes what PHP-FPM sends at once, or PHP itself does.
comes_through($_) for map { ($_, "$_-flushed") } @filters;
for my $encoding (qw(none identity None)) {
  is_whole_stream(get(by_body('/data-in-body.php', encoding => $encoding), @accept), 'x' x 50, "Content-Encoding: $encoding");
}
SKIP: {
  skip 'mod_php needs the prefork MPM, and to be installed', 1 if get('/in/mod-php/sapi.php')->{body} ne "apache2handler\n";
  comes_through($_) for map { ("mod-php-$_", "mod-php-$_-flushed") } @filters;
}

is_whole_stream(get(by_body('/compressing/sends.php'), @accept), 'x' x 50,
  'the class for PHP turns zlib.output_compression off');
for my $section ('/in/plain', '/in/deflated') {
  my $mark     = log_mark();
  my $response = get(by_body("$section/data-in-body.php", compressed => 1), @accept);
  is $response->{status}, 500, "$section: a body that PHP has compressed is refused";
  unlike $response->{head}, qr/^Content-Encoding/mi, "$section: the error for a compressed body is not compressed";
  like wait_for_log($mark, qr/SH0108/), qr/SH0108.* encoded as gzip.*: turn the handler/, "$section: the log names the encoding of a compressed body, and the remedy";
}

done_testing;
