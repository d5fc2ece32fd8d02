# SPDX-License-Identifier: Apache-2.0
package Handoff::Client;

# An HTTP client that sends the test's bytes and returns the answer's: each has one connection.

use strict;
use warnings FATAL => 'all';

use Apache::Test  ();
use Carp          'croak';
use Exporter      'import';
use IO::Select    ();
use IO::Socket::IP ();
use Socket         qw(SOL_SOCKET SO_RCVBUF);

use Handoff::Wait 'DEADLINE_SECONDS';

our @EXPORT_OK = qw(get path_with);

# connect(port => another one than the server's first, receive_buffer => bytes)
sub connect {
  my ($class, %options) = @_;
  my $port    = $options{port} // Apache::Test::vars('port');
  my @sockopt = $options{receive_buffer} ? [ SOL_SOCKET, SO_RCVBUF, $options{receive_buffer} ] : ();
  my $socket  = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, Sockopts => \@sockopt)
    or croak "connect to port $port: $@";
  return bless { socket => $socket, received => '' }, $class;
}

# The answer to one GET over a separate connection.
sub get {
  my ($path, @headers) = @_;
  return __PACKAGE__->connect->request(GET => $path, headers => \@headers);
}

# "path?name=value&...", escaped.
sub path_with {
  my ($path, %parameters) = @_;
  for my $value (values %parameters) {
    utf8::encode($value) if utf8::is_utf8($value);
    $value =~ s/([^A-Za-z0-9_.-])/sprintf '%%%02X', ord $1/ge;
  }
  return $path . '?' . join '&', map {"$_=$parameters{$_}"} sort keys %parameters;
}

sub request {
  my ($self, $method, $path, %options) = @_;
  $self->send_request($method, $path, %options);
  return $self->receive_response($method);
}

sub send_request {
  my ($self, $method, $path, %options) = @_;
  my $body    = $options{body};
  my @headers = ('Host: localhost', @{ $options{headers} // [] });
  push @headers, 'Content-Length: ' . length $body if defined $body;
  $self->send(join("\r\n", "$method $path HTTP/1.1", @headers) . "\r\n\r\n" . ($body // ''));
}

sub send {
  my ($self, $bytes) = @_;
  while (length $bytes) {
    my $sent = syswrite $self->{socket}, $bytes;
    croak "send: $!" unless defined $sent;
    substr $bytes, 0, $sent, '';
  }
}

# { status, headers (by name in lower case, a list each), head (as received), body }. The body ends where its framing
# says, and with the connection where there is none, as in a stream.
sub receive_response {
  my ($self, $method) = @_;
  my $head = $self->receive_head;
  my ($status) = $head =~ m{\AHTTP/1\.[01] (\d{3})} or croak "not an HTTP response: $head";
  my %headers;
  push @{ $headers{ lc $1 } }, $2 while $head =~ /^([^:\r\n]+): *(.*?)\r\n/mg;

  my $body =
      ($method // '') eq 'HEAD' || $status =~ /^(?:1..|204|304)$/ ? ''
    : $headers{'content-length'}                                  ? $self->receive_bytes($headers{'content-length'}[0])
    : ($headers{'transfer-encoding'}[0] // '') eq 'chunked'       ? $self->receive_chunks
    :                                                               $self->receive_rest;
  return { status => $status, headers => \%headers, head => $head, body => $body };
}

sub receive_head {
  my ($self) = @_;
  return $self->receive_until(qr/\r\n\r\n/);
}

# Everything up to and including the pattern's first match.
sub receive_until {
  my ($self, $pattern) = @_;
  while (1) {
    return substr $self->{received}, 0, $+[0], '' if $self->{received} =~ $pattern;
    $self->receive_more or croak "the connection ended after '$self->{received}'";
  }
}

sub receive_bytes {
  my ($self, $length) = @_;
  while (length $self->{received} < $length) {
    $self->receive_more or croak "the connection ended before byte $length";
  }
  return substr $self->{received}, 0, $length, '';
}

sub receive_chunks {
  my ($self) = @_;
  my $body = '';
  while (1) {
    my ($length) = $self->receive_until(qr/\r\n/) =~ /\A([0-9a-f]+)/i or croak 'a chunk without a length';
    $body .= $self->receive_bytes(hex $length);
    $self->receive_until(qr/\A\r\n/);
    return $body if hex $length == 0;
  }
}

sub receive_rest {
  my ($self) = @_;
  1 while $self->receive_more;
  return substr $self->{received}, 0, length $self->{received}, '';
}

# Whether the server has closed the connection by now, its last byte read or not.
sub has_ended {
  my ($self) = @_;
  while (IO::Select->new($self->{socket})->can_read(0)) {
    return 1 if !$self->receive_more;
  }
  return 0;
}

# False at the end of the connection. Dies if it was reset, or if nothing comes in time.
sub receive_more {
  my ($self) = @_;
  IO::Select->new($self->{socket})->can_read(DEADLINE_SECONDS) or croak "nothing came after '$self->{received}'";
  my $length = sysread $self->{socket}, $self->{received}, 65536, length $self->{received};
  croak "receive: $!" unless defined $length;
  return $length;
}

1;
