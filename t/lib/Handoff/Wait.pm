# SPDX-License-Identifier: Apache-2.0
package Handoff::Wait;

# Waiting for a condition, never for a time: the deadline is only met where a test fails.

use strict;
use warnings FATAL => 'all';

use Carp 'croak';
use Exporter 'import';
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(wait_until DEADLINE_SECONDS);

use constant DEADLINE_SECONDS => 60;

# wait_until { condition } 'what is waited for': the condition's value.
sub wait_until (&$) {
  my ($condition, $what) = @_;
  my $deadline = time + DEADLINE_SECONDS;
  while (1) {
    my $value = $condition->();
    return $value if $value;
    croak "waited in vain for $what" if time > $deadline;
    sleep 0.01;
  }
}

1;
