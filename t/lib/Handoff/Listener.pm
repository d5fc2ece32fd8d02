# SPDX-License-Identifier: Apache-2.0
package Handoff::Listener;

# A socket to which nothing must connect: if a test expects Apache to refuse a path, a connection here shows that it did
# not.

use strict;
use warnings FATAL => 'all';

use Carp   'croak';
use Socket qw(AF_UNIX SOCK_SEQPACKET pack_sockaddr_un);

# listen($path, $type): the type is SOCK_SEQPACKET by default.
sub listen {
  my ($class, $path, $type) = @_;
  socket my $socket, AF_UNIX, $type // SOCK_SEQPACKET, 0 or croak "socket: $!";
  bind $socket, pack_sockaddr_un($path) or croak "bind to $path: $!";
  listen $socket, 8 or croak "listen at $path: $!";
  $socket->blocking(0);
  return bless { socket => $socket }, $class;
}

sub was_connected_to {
  my ($self) = @_;
  return defined accept my $connection, $self->{socket};
}

1;
