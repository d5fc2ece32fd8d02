# Where directives may stand, what holds where, and what a bad one is told.
use strict;
use warnings FATAL => 'all';

use Test::More;

use Apache::Test ();
use Handoff::Apache qw(log_mark port_of wait_for_log);
use Handoff::Client qw(get path_with);
use Handoff::Daemon ();

my $daemon  = Handoff::Daemon->start;
my $missing = Handoff::Daemon->new_socket_path;

{
  my $mark = log_mark();
  is(Handoff::Client->connect(port => port_of('other'))->request(GET => path_with('/asks.php', socket => $missing))->{status},
    503, 'a virtual host that sets one directive');
  my $log = wait_for_log($mark, qr/SH0202/);
  like $log, qr/attempts: 1\)/, 'has it';
  unlike $log, qr/SH0201/, "and keeps its server's others";
}

is get(path_with('/off/asks.php', socket => $daemon->socket, echo => 3))->{body}, 'xxx',
  '.htaccess can switch hand-offs off';
{
  my $mark = log_mark();
  is get('/on/page.html')->{status}, 500, 'and not on';
  wait_for_log($mark, qr/SocketHandoffEnabled: only Off is allowed in \.htaccess/);
}

sub complaint_about {
  my ($directive) = @_;
  my $vars = Apache::Test::vars();
  open my $httpd, '-|', "$vars->{httpd} -t -d $vars->{serverroot} -f $vars->{t_conf_file} -c '$directive' 2>&1" or die $!;
  local $/;
  return scalar <$httpd>;
}

my %complaint = (
  'SocketHandoffEnabled perhaps'        => "'perhaps' is not On or Off",
  'SocketHandoffAllowedPrefix run'      => "'run' is not the absolute path of a directory",
  'SocketHandoffMaxRetries 21'          => "'21' is not a whole number from 0 to 20",
  'SocketHandoffMaxRetries -1'          => "'-1' is not a whole number from 0 to 20",
  'SocketHandoffConnectTimeoutMs 0'     => "'0' is not a whole number of milliseconds from 1 to 60000",
  'SocketHandoffConnectTimeoutMs 60001' => "'60001' is not a whole number of milliseconds from 1 to 60000",
  'SocketHandoffSendTimeoutMs 1s'       => "'1s' is not a whole number of milliseconds from 1 to 60000",
);
for my $directive (sort keys %complaint) {
  my ($name) = $directive =~ /(\w+)/;
  like complaint_about($directive), qr/\Q$name: $complaint{$directive}\E/, "$directive is refused by name and range";
}
like complaint_about('SocketHandoffMaxRetries 20'), qr/Syntax OK/, 'a directive in range is accepted';

done_testing;
