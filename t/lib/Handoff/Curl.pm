# SPDX-License-Identifier: Apache-2.0
package Handoff::Curl;

# curl as a client: for TLS and HTTP/2, which Handoff::Client does not speak.

use strict;
use warnings FATAL => 'all';

use Exporter 'import';

our @EXPORT_OK = qw(curl);

# curl(arguments): as Handoff::Client's responses; with curl's exit status, which is not 0 if the end of a TLS stream is cut,
# and with the version of HTTP.
sub curl {
  my @arguments = @_;
  open my $curl, '-|', 'curl', '--silent', '--insecure', '--include', '--no-buffer', '--max-time', 30, @arguments
    or die "curl: $!";
  local $/;
  my ($head, $body) = split /\r\n\r\n/, scalar(<$curl>) // '', 2;
  ($head, $body) = split /\r\n\r\n/, $body, 2 while ($head // '') =~ m{^HTTP/\S+ 1\d\d};    # interim responses
  close $curl;
  $head = ($head // '') . "\r\n";
  my %headers;
  push @{ $headers{ lc $1 } }, $2 while $head =~ /^([^:\r\n]+): *(.*?)\r\n/mg;
  my ($version, $status) = $head =~ m{^HTTP/(\S+) (\d+)};
  return { version => $version, status => $status, head => $head, headers => \%headers, body => $body, exit => $? >> 8 };
}

1;
