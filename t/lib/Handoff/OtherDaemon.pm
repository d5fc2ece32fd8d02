# SPDX-License-Identifier: Apache-2.0
package Handoff::OtherDaemon;

# A daemon of another make (other-daemon.php), which does not know SocketHandoffAcknowledge. Stopped when it goes out of
# scope.

use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Carp         'croak';

use Handoff::Daemon ();
use Handoff::Wait 'wait_until';

# start($type, $manner, $framing): as other-daemon.php has them.
sub start {
  my ($class, @arguments) = @_;
  my $self   = bless { socket => Handoff::Daemon->new_socket_path }, $class;
  my $script = Apache::Test::vars('serverroot') . '/lib/Handoff/' . $class->script;
  my $log    = Apache::Test::vars('t_logs') . "/other-daemon-of-$$.log";
  $self->{pid} = fork // croak "fork: $!";
  if (!$self->{pid}) {
    open STDOUT, '>>', $log     or die $!;
    open STDERR, '>&', \*STDOUT or die $!;
    exec qw(setpriv --pdeathsig KILL php), $script, $self->{socket}, @arguments or die "php: $!\n";
  }
  wait_until { listens($self->{socket}) } 'the daemon to listen';
  return $self;
}

sub script { return 'other-daemon.php' }

# 00010000 is the kernel's flag of a socket that accepts connections.
sub listens {
  my ($path) = @_;
  open my $sockets, '<', '/proc/net/unix' or croak "/proc/net/unix: $!";
  return scalar grep {/ 00010000 .* \Q$path\E$/} <$sockets>;
}

sub socket { return $_[0]{socket} }

sub DESTROY {
  my ($self) = @_;
  local $?;
  kill KILL => $self->{pid};
  waitpid $self->{pid}, 0;
}

1;
