# SPDX-License-Identifier: Apache-2.0
package Handoff::Application;

# An application that Apache is a proxy for, at the place that conf/handlers.conf.in names: answers each request with the
# bytes that the test gives, in a process of its own.

use strict;
use warnings FATAL => 'all';

use Apache::Test     ();
use Carp             'croak';
use IO::Socket::UNIX ();

use Handoff::Wait 'DEADLINE_SECONDS';

# start($response): all of it, head and body.
sub start {
  my ($class, $response) = @_;
  my $path = Apache::Test::vars('serverroot') . '/run/application.sock';
  unlink $path;
  my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 64) or croak "$path: $!";
  my $pid      = fork // croak "fork: $!";
  return bless { pid => $pid }, $class if $pid;

  alarm 10 * DEADLINE_SECONDS;    # not to outlive a test that was killed
  while (my $connection = $listener->accept) {
    local $/ = "\r\n\r\n";
    readline $connection;
    print $connection $response;
    close $connection;
  }
  require POSIX;
  POSIX::_exit(0);
}

sub DESTROY {
  my ($self) = @_;
  local $?;
  kill KILL => $self->{pid};
  waitpid $self->{pid}, 0;
}

1;
