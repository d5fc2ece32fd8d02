# SPDX-License-Identifier: Apache-2.0
package Handoff::TlsHttp2Client;

# Handoff::Http2Client over TLS, whose records the test can send in parts.

use strict;
use warnings FATAL => 'all';

use parent 'Handoff::Http2Client';

use Carp 'croak';
use Net::SSLeay ();

use Handoff::Client ();

# Further options of connect(): version => 0x0303 for TLS 1.2.
sub make_handshake {
  my ($self) = @_;
  my $context = Net::SSLeay::CTX_new() or croak 'CTX_new';
  Net::SSLeay::CTX_set_max_proto_version($context, $self->tls_version);
  Net::SSLeay::CTX_set_alpn_protos($context, ['h2']);
  my $ssl = $self->{ssl} = Net::SSLeay::new($context);
  Net::SSLeay::CTX_free($context);
  ($self->{from_server}, $self->{to_server}) = map { Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()) } 1, 2;
  Net::SSLeay::set_bio($ssl, $self->{from_server}, $self->{to_server});
  until (Net::SSLeay::connect($ssl) == 1) {
    $self->send_bytes($self->take_records);
    $self->receive_records or croak 'the connection ended within the handshake';
  }
  $self->send_bytes($self->take_records);
}

# The newest.
sub tls_version { return 0 }

# The records that OpenSSL has made.
sub take_records { return Net::SSLeay::BIO_read($_[0]{to_server}, 1 << 20) // '' }

# Past TLS.
sub send_bytes {
  my ($self, $bytes) = @_;
  $self->Handoff::Client::send($bytes);
}

# A record of this text, which has at most 16,384 bytes.
sub seal {
  my ($self, $text) = @_;
  Net::SSLeay::write($self->{ssl}, $text) > 0 or croak 'SSL_write';
  return $self->take_records;
}

sub send {
  my ($self, $text) = @_;
  $self->send_bytes($self->seal($text)) if length $text;
}

sub receive_records {
  my ($self) = @_;
  my $received = delete $self->{received};
  $self->{received} = '';
  my $length  = $self->SUPER::receive_more;
  my $records = $self->{received};
  $self->{received} = $received;
  Net::SSLeay::BIO_write($self->{from_server}, $records) if $length;
  return $length;
}

sub receive_more {
  my ($self) = @_;
  my $length = $self->receive_records;
  while (1) {
    my $text = Net::SSLeay::read($self->{ssl}, 1 << 16);
    last if !defined $text || !length $text;
    $self->{received} .= $text;
  }
  return $length;
}

sub DESTROY {
  my ($self) = @_;
  Net::SSLeay::free($self->{ssl}) if $self->{ssl};
}

1;
