#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Asks for a hand-off like asks.php, but as a CGI script: socket, second (a second header), data.
use strict;
use warnings FATAL => 'all';

my %query = map { my ($name, $value) = split /=/; $value =~ s/%([0-9A-F]{2})/chr hex $1/ge; ($name => $value) } split /&/,
  $ENV{QUERY_STRING};
print "Content-Type: text/plain\r\n";
print "X-Socket-Handoff: $query{$_}\r\n" for grep { exists $query{$_} } qw(socket second);
print "X-Handoff-Data: $query{data}\r\n" if exists $query{data};
print "\r\nanswered by Apache\n";
