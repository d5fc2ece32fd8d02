# SPDX-License-Identifier: Apache-2.0
package Handoff::Daemon;

# A streaming-daemon of a test's own, stopped when it goes out of scope.

use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Carp         'croak';
use POSIX        'WUNTRACED';

use Handoff::Wait 'wait_until';

# The mock backend's stream: its events, then [DONE].
use constant EVENTS => 18;

my $daemons = 0;

# start(delay => milliseconds between events, socket => path, arguments => [...])
sub start {
  my ($class, %options) = @_;
  my $self = bless {
    socket => $options{socket} // $class->new_socket_path,
    log    => Apache::Test::vars('t_logs') . '/daemon-' . ++$daemons . "-of-$$.log",
  }, $class;
  my @command = (
    qw(setpriv --pdeathsig KILL), $ENV{HANDOFF_DAEMON},    # not to outlive a test that was killed
    '--socket'      => $self->{socket},
    '--socket-mode' => '0666',
    '--workers'     => 1,    # the rings of all suites count against one limit of the user's locked memory
    '--metrics-addr' => '',
    '--backend'     => 'mock',
    '--delay'       => $options{delay} // 5,
    @{ $options{arguments} // [] },
  );

  $self->{pid} = fork // croak "fork: $!";
  if (!$self->{pid}) {
    open STDOUT, '>>', $self->{log} or die $!;
    open STDERR, '>&', \*STDOUT     or die $!;
    exec @command or die "$command[0]: $!\n";
  }
  wait_until { $self->log =~ /ready/ || !$self->is_running } 'the daemon to be ready';
  $self->is_running or croak 'the daemon ended: ' . $self->log;
  return $self;
}

# A path in SocketHandoffAllowedPrefix at which nothing is yet.
sub new_socket_path {
  return Apache::Test::vars('serverroot') . "/run/$$-" . ++$daemons . '.sock';
}

sub socket { return $_[0]{socket} }

sub log {
  my ($self) = @_;
  open my $file, '<', $self->{log} or return '';
  local $/;
  return scalar(<$file>) // '';
}

sub is_running {
  my ($self) = @_;
  return waitpid($self->{pid}, 1) == 0;
}

# It does nothing from then on, until resume().
sub suspend {
  my ($self) = @_;
  CORE::kill STOP => $self->{pid};
  waitpid $self->{pid}, WUNTRACED;
}

sub resume { CORE::kill CONT => $_[0]{pid} }

# Lets its streams end.
sub stop { $_[0]->end_by('TERM') }

sub kill { $_[0]->end_by('KILL') }

sub end_by {
  my ($self, $signal) = @_;
  my $pid = delete $self->{pid} or return;
  local $?;
  CORE::kill $signal => $pid;
  waitpid $pid, 0;
}

sub DESTROY { $_[0]->stop }

1;
