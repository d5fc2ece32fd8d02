# SPDX-License-Identifier: Apache-2.0
package Handoff::PrivateApache;

# A second Apache, of a test's own, with the modules and directives that the test gives: for what depends on the order of
# modules, or on where a directive stands. Shares the first one's error log, its document root and PHP-FPM.

use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Carp         'croak';
use Exporter     'import';
use IO::Socket::INET ();

use Handoff::Client ();
use Handoff::Wait 'wait_until';

our @EXPORT_OK = qw(module);

# The last of the ports that t/run found free, and the suite's Apache does not use.
sub port { return Apache::Test::vars('port') + 19 }

# module('headers'): its LoadModule line; nothing if the module is missing or loaded already.
sub module {
  my ($name) = @_;
  my $file = $name eq 'socket_handoff' ? $ENV{HANDOFF_MODULE} : "$ENV{HANDOFF_HTTPD_MODULES}/mod_$name.so";
  ($file) = reverse sort glob "$ENV{HANDOFF_HTTPD_MODULES}/libphp*.so" if $name eq 'php';
  return '' if !$file || !-e $file;
  return "<IfModule !${name}_module>\nLoadModule ${name}_module $file\n</IfModule>\n";
}

# start($configuration): returns when it answers.
sub start {
  my ($class, $configuration) = @_;
  my ($logs, $root, $documents) = map { Apache::Test::vars($_) } qw(t_logs serverroot documentroot);
  my $self = bless { pid_file => "$logs/private.pid" }, $class;
  my $port = port();
  open my $file, '>', "$logs/private.conf" or croak "private.conf: $!";
  print $file map { module($_) } qw(unixd log_config authz_core mime alias);
  print $file <<"END", $configuration;
ServerName localhost
Listen 127.0.0.1:$port
PidFile $self->{pid_file}
TypesConfig /dev/null
DefaultRuntimeDir $logs
ErrorLog $logs/error_log
LogLevel warn socket_handoff:debug
DocumentRoot $documents
StartServers 1
<Directory $documents>
  Require all granted
  AllowOverride All
</Directory>
AliasMatch "^/in/[^/]+/(.*)\$" "$documents/\$1"
END
  close $file or croak "private.conf: $!";
  unlink $self->{pid_file};
  $self->{pid} = fork // croak "fork: $!";
  if (!$self->{pid}) {
    setpgrp;    # prefork signals all of its group when it ends
    exec qw(setpriv --pdeathsig TERM), Apache::Test::vars('httpd'), '-d', $root, '-f', "$logs/private.conf", '-DFOREGROUND'
      or die "httpd: $!\n";
  }
  wait_until { -s $self->{pid_file} || waitpid($self->{pid}, 1) != 0 } 'the private Apache';
  kill 0 => $self->{pid} or croak 'the private Apache ended';
  return $self;
}

sub get {
  my ($self, $path, @headers) = @_;
  return $self->connect->request(GET => $path, headers => \@headers);
}

sub connect { return Handoff::Client->connect(port => port()) }

sub children {
  my ($self) = @_;
  open my $file, '<', "/proc/$self->{pid}/task/$self->{pid}/children" or croak "children: $!";
  return split ' ', scalar(<$file>) // '';
}

# Not SIGTERM: the event MPM's hard stop may use a socket whose pool one of its threads has just destroyed, and crashes.
sub DESTROY {
  my ($self) = @_;
  local $?;
  kill KILL => -$self->{pid};
  waitpid $self->{pid}, 0;
  wait_until { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port()) } 'the port to be free';
}

1;
