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

sub notes {
  my ($self) = @_;
  open my $file, '<', $self->{clients} or return;
  return grep {/\n\z/} <$file>;
}

# How many of its notes were not asked for.
sub clients_left { return $_[0]->notes - $_[0]{read} }

# What it has noted of the next client.
sub next_client {
  my ($self) = @_;
  my $line = wait_until { ($self->notes)[ $self->{read} ] } 'a client of the daemon';
  ++$self->{read};
  return decode_json($line);
}

1;
