# SPDX-License-Identifier: Apache-2.0
package Handoff::Http2Client;

# A client of HTTP/2 without TLS that sends and receives frame by frame, for what curl decides itself. Reads no header
# fields but the status.

use strict;
use warnings FATAL => 'all';

use parent -norequire, 'Handoff::Client';

use Carp 'croak';

use Handoff::Client ();

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6, GOAWAY => 7, WINDOW_UPDATE => 8 };
use constant { ACK => 1, END_STREAM => 1, END_HEADERS => 4 };
use constant CANCEL => 8;

# connect(port => the server's, settings => { number => value }): returns when both sides have acknowledged the other's settings.
sub connect {
  my ($class, %options) = @_;
  my $self = $class->SUPER::connect(%options);
  $self->make_handshake;
  $self->{next_stream} = 1;
  my $settings = $options{settings} // {};
  $self->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
      . frame(SETTINGS, 0, 0, join '', map { pack 'nN', $_, $settings->{$_} } sort keys %$settings));
  my %seen;
  until ($seen{0} && $seen{1}) {
    my $frame = $self->receive_frame;
    next if $frame->{type} != SETTINGS;
    $seen{ $frame->{flags} } = 1;
    $self->send(frame(SETTINGS, ACK, 0)) if !$frame->{flags};
  }
  return $self;
}

# Of TLS, in the subclass that has it.
sub make_handshake { }

sub frame {
  my ($type, $flags, $stream, $payload) = @_;
  $payload //= '';
  return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

# The HEADERS frame of a GET, and its stream.
sub request_frame {
  my ($self, $path, %headers) = @_;
  my $stream = $self->{next_stream};
  $self->{next_stream} += 2;
  my @fields = ([ ':method', 'GET' ], [ ':scheme', 'http' ], [ ':authority', 'localhost' ], [ ':path', $path ],
    map { [ $_, $headers{$_} ] } sort keys %headers);
  # RFC 7541, section 6.2.3: never indexed; lengths of up to two bytes.
  my $block = join '', map { "\x10" . text($_->[0]) . text($_->[1]) } @fields;
  return (frame(HEADERS, END_STREAM | END_HEADERS, $stream, $block), $stream);
}

sub text {
  my ($text) = @_;
  my $length = length $text;
  return pack('C', $length) . $text if $length < 127;
  $length -= 127;
  return pack('C', 127) . ($length < 128 ? pack('C', $length) : pack('CC', 128 | $length & 127, $length >> 7)) . $text;
}

# Asks for a path, and returns the stream.
sub ask {
  my ($self, $path, %headers) = @_;
  my ($frame, $stream) = $self->request_frame($path, %headers);
  $self->send($frame);
  return $stream;
}

# { type, flags, stream, payload }
sub receive_frame {
  my ($self) = @_;
  my ($length, $type, $flags, $stream) = unpack 'NCCN', "\0" . $self->receive_bytes(9);
  return { type => $type, flags => $flags, stream => $stream & 0x7fffffff, payload => $length ? $self->receive_bytes($length) : '' };
}

# The response on this stream, up to its end: { status: 200, or undefined for another one; body; heads: with those of interim
# responses; reset: the code of a RST_STREAM }. Frames of other streams are kept in `others`.
sub receive_stream {
  my ($self, $stream) = @_;
  my %response = (body => '', heads => 0);
  while (1) {
    my $frame = $self->receive_frame;
    if ($frame->{stream} != $stream) {
      push @{ $self->{others} }, $frame;
      next;
    }
    if ($frame->{type} == HEADERS) {
      ++$response{heads};
      # RFC 7541: perhaps a change of the table's size, then ":status: 200" of the static table.
      $response{status} = $frame->{payload} =~ /\A[\x20-\x3e]?\x88/ ? 200 : undef;
    }
    $response{body} .= $frame->{payload} if $frame->{type} == DATA;
    $response{reset} = unpack 'N', $frame->{payload} if $frame->{type} == RST_STREAM;
    return \%response if $frame->{type} == RST_STREAM || ($frame->{type} <= HEADERS && $frame->{flags} & END_STREAM);
  }
}

1;
