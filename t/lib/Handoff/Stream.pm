# SPDX-License-Identifier: Apache-2.0
package Handoff::Stream;

# What a stream of the mock backend must look like when it arrives.

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use JSON::PP 'decode_json';
use Test::More;

use Handoff::Daemon ();

our @EXPORT_OK = qw(events is_whole_stream);

# The data of the events, in order.
sub events {
  my ($response) = @_;
  return [ $response->{body} =~ /^data: (.*)\n\n/mg ];
}

# One test: every event is there, and the first one repeats the prompt.
sub is_whole_stream {
  my ($response, $prompt, $name) = @_;
  subtest $name => sub {
    is $response->{status}, 200, 'status';
    my $events = events($response);
    is scalar @$events, Handoff::Daemon::EVENTS + 1, 'number of events';
    is $events->[-1], '[DONE]', 'the last event';
    my $first = eval { decode_json($events->[0])->{content} } // "no JSON: $events->[0]";
    ok index($first, $prompt) >= 0, 'the prompt in the first event' or diag "got '$first', expected '$prompt' in it";
  };
}

1;
