# SPDX-License-Identifier: Apache-2.0
package Handoff::ReservingDaemon;

# reserving-daemon.php, stopped when it goes out of scope: a daemon that does with a client over HTTP/2 what the test asks for.

use strict;
use warnings FATAL => 'all';

use parent 'Handoff::OtherDaemon';

use Apache::Test ();
use JSON::PP 'decode_json';

use Handoff::Wait 'wait_until';

sub script { return 'reserving-daemon.php' }

sub start {
  my ($class) = @_;
  my $log  = Apache::Test::vars('t_logs') . "/reserving-daemon-of-$$.clients";
  my $self = $class->SUPER::start($log);
  $self->{clients} = $log;
  $self->{read}    = 0;
  return $self;
}

# What it has noted of the next client.
sub next_client {
  my ($self) = @_;
  my $line = wait_until {
    open my $file, '<', $self->{clients} or return;
    my @lines = grep {/\n\z/} <$file>;
    $lines[ $self->{read} ];
  } 'a client of the daemon';
  ++$self->{read};
  return decode_json($line);
}

1;
