# SPDX-License-Identifier: Apache-2.0
package Handoff::ScriptedDaemon;

# A daemon that does what the test says with each hand-off: a function that gets the connection (an IO::Handle) and what
# came over it. It closes the connection, and the client with it, when the function returns. In a process of its own.

use strict;
use warnings FATAL => 'all';

use Carp       'croak';
use IO::Select ();
use IO::Socket ();
use Socket     qw(AF_UNIX SOCK_SEQPACKET SOCK_STREAM pack_sockaddr_un);

use Handoff::Daemon ();
use Handoff::Wait 'DEADLINE_SECONDS';

# start($function, type => SOCK_SEQPACKET)
sub start {
  my ($class, $function, %options) = @_;
  my $self = bless { socket => Handoff::Daemon->new_socket_path }, $class;
  socket my $listener, AF_UNIX, $options{type} // SOCK_SEQPACKET, 0 or croak "socket: $!";
  bind $listener, pack_sockaddr_un($self->{socket}) or croak "bind: $!";
  chmod 0666, $self->{socket};
  listen $listener, 64 or croak "listen: $!";

  pipe $self->{payloads}, my $payloads or croak "pipe: $!";
  $self->{pid} = fork // croak "fork: $!";
  return $self if $self->{pid};

  alarm 10 * DEADLINE_SECONDS;    # not to outlive a test that was killed
  while (accept my $connection, $listener) {
    $connection->autoflush;
    # The received descriptors have no owner here, so the kernel closes them. The client's may be closed by now, too.
    recv $connection, my $payload, 1 << 20, 0;
    syswrite $payloads, pack 'N/a*', $payload;
    $function->($connection, $payload);
    close $connection;
  }
  require POSIX;
  POSIX::_exit(0);
}

sub socket { return $_[0]{socket} }

# The payload of the next hand-off.
sub next_payload {
  my ($self) = @_;
  IO::Select->new($self->{payloads})->can_read(DEADLINE_SECONDS) or croak 'no hand-off came';
  read $self->{payloads}, my $length, 4;
  read $self->{payloads}, my $payload, unpack 'N', $length;
  return $payload;
}

# For a function: sends this, and waits until the module has closed its end.
sub says {
  my ($connection, $answer) = @_;
  syswrite $connection, $answer if length $answer;
  IO::Select->new($connection)->can_read(DEADLINE_SECONDS);
}

sub DESTROY {
  my ($self) = @_;
  local $?;
  kill KILL => $self->{pid};
  waitpid $self->{pid}, 0;
}

1;
