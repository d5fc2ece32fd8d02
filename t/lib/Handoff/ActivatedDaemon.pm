# SPDX-License-Identifier: Apache-2.0
package Handoff::ActivatedDaemon;

# A streaming-daemon whose socket is somebody else's: systemd-socket-activate makes it, and a shell holds it and starts a
# daemon again and again, as systemd does. All end when it goes out of scope.

use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Carp         'croak';

use Handoff::Daemon ();
use Handoff::Wait 'wait_until';

# LISTEN_PID is the daemon's process, which the shell in between becomes.
use constant RESTARTING => q{while :; do sh -c 'LISTEN_PID=$$ exec setpriv --pdeathsig KILL "$@"' sh "$@"; done};

sub is_possible { return grep { -x "$_/systemd-socket-activate" } split /:/, $ENV{PATH} }

# start(delay => milliseconds between events)
sub start {
  my ($class, %options) = @_;
  my $self = bless {
    socket => Handoff::Daemon->new_socket_path,
    log    => Apache::Test::vars('t_logs') . "/activated-of-$$.log",
  }, $class;
  my @daemon  = (
    $ENV{HANDOFF_DAEMON},
    '--workers'      => 1,     # as Handoff::Daemon's
    '--metrics-addr' => '',
    '--backend'      => 'mock',
    '--delay'        => $options{delay},
  );
  my @command = (
    qw(setpriv --pdeathsig KILL systemd-socket-activate --seqpacket), '--listen' => $self->{socket},
    qw(sh -c), RESTARTING, 'sh', @daemon
  );
  $self->{pid} = fork // croak "fork: $!";
  if (!$self->{pid}) {
    open STDOUT, '>>', $self->{log} or die $!;
    open STDERR, '>&', \*STDOUT     or die $!;
    exec @command or die "$command[0]: $!\n";
  }
  wait_until { -S $self->{socket} } 'the socket';
  return $self;
}

sub socket { return $_[0]{socket} }

# How many daemons have been ready so far.
sub generations {
  my ($self) = @_;
  open my $file, '<', $self->{log} or return 0;
  return scalar grep {/ ready on /} <$file>;
}

# The one that runs now; nothing while there is none.
sub daemon_pid {
  my ($self) = @_;
  open my $file, '<', "/proc/$self->{pid}/task/$self->{pid}/children" or return;
  my ($pid) = split ' ', scalar(<$file>) // '';
  return $pid;
}

sub signal {
  my ($self, $signal) = @_;
  my $pid = $self->daemon_pid or return 0;
  return kill $signal => $pid;
}

# Returns when none of its threads does anything any more.
sub freeze {
  my ($self) = @_;
  $self->signal('STOP');
  my $pid = $self->daemon_pid;
  wait_until { !grep { !is_stopped($_) } glob "/proc/$pid/task/*/stat" } 'the daemon to stand still';
}

sub is_stopped {
  my ($path) = @_;
  open my $file, '<', $path or return 1;
  return scalar(<$file>) =~ /\) T /;
}

sub DESTROY {
  my ($self) = @_;
  local $?;
  kill KILL => $self->{pid};
  waitpid $self->{pid}, 0;
}

1;
