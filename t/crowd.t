# A thousand readers that never read, beside a hundred that do.  DESIGN.md, G7.

use Test::Token;
use Test::Token::Workers;
use IO::Select;
use IO::Socket::INET;
use Socket qw/ SOL_SOCKET SO_RCVBUF pack_sockaddr_in inet_aton /;

# a thousand, where a process may have so many files open
use constant { HEALTHY => 100, RECORDS => 300 };
use constant STUCK => `sh -c 'ulimit -n'` =~ /^(\d+)/ && $1 < 1300 ? $1 - 300 : 1000;

my $t = Test::Token->new(workers => 1, connections => 2000, conf => <<'EOC');
token_log      feed  keep=100000;
token_service  feed  { append feed; }

server {
    listen 127.0.0.1:%%PORT%% backlog=2048;
    token_watch  feed;
    token_allow  feed;
    token_max_inflight  1000;

    location = /live  { token_websocket; token_stall_timeout 20s; }
    location = /short { token_websocket; token_stall_timeout 2s; }
}
EOC
$t->plan(8);
my $worker = wait_for(sub { ($t->workers)[0] });


# A connection that watches, with a receive buffer of that size.
sub reader ($path, $size) {
    my $socket = IO::Socket::INET->new(Proto => 'tcp');
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $size if $size;
    connect $socket, pack_sockaddr_in($t->port, inet_aton('127.0.0.1'))
        or die "connect: $!";
    my $raw = bless { socket => $socket, in => '', all => '' },
        'Test::Token::Raw';
    $raw->handshake($path, 'Sec-WebSocket-Protocol' => 'token.v1');
    $raw->send_frame(1, '{"type":"watch","channel":"feed"}');
    return $raw;
}


# Reads what there is for all of them, until each has that many records.
sub drain ($count, @readers) {
    my %of = map { fileno $_->{socket} => $_ } @readers;
    my $select = IO::Select->new(map { $_->{socket} } @readers);
    my %wait = map { $_ => 1 } keys %of;

    while (%wait) {
        my @ready = $select->can_read(20) or last;
        for my $socket (@ready) {
            my $raw = $of{fileno $socket};
            sysread $socket, my $bytes, 1 << 20 or do {
                $select->remove($socket);
                next;
            };
            $raw->{all} .= $bytes;
            $raw->{n} += () = $bytes =~ /"record"/g;
            delete $wait{fileno $socket} if $raw->{n} >= $count - 2
                && (() = $raw->{all} =~ /"record"/g) >= $count;
        }
    }
    return !%wait;
}


sub publish ($p, $n) {
    my @ids = map { $p->token('feed', 'x' x 1000) } 1 .. $n;
    return scalar grep { $p->outcome($_)->{outcome} eq 'ok' } @ids;
}


my $p = $t->connect('/live');
my @healthy = map { reader('/live', 0) } 1 .. HEALTHY;
my @stuck = map { reader('/live', 4096) } 1 .. STUCK;
$p->settle;
my $before = rss($worker);

is(publish($p, RECORDS), RECORDS, 'records of 1 KiB');
ok(drain(RECORDS, @healthy), 'all healthy readers have all of them');
my $grown = rss($worker) - $before;
my $most = is_sanitized($t) ? 64 : 1;
cmp_ok($grown, '<', $most * STUCK * 64 * 1024, 'the stuck ones cost little');

is(publish($p, RECORDS), RECORDS, 'as many again');
ok(drain(2 * RECORDS, @healthy), 'reach all healthy readers');
cmp_ok(rss($worker) - $before - $grown, '<', $most * 4 * 1024 * 1024,
    'and the stuck ones cost nothing more');

my @orders = map { join ' ', $_->{all} =~ /"record","channel":"feed","seq":(\d+)/g }
    @healthy;
my %orders = map { $_ => 1 } @orders;
is(join('', keys %orders), join(' ', 1 .. 2 * RECORDS),
    'in order, without a gap, each of them');


# no progress: closed

close $_->{socket} for @stuck;
my @short = map { reader('/short', 4096) } 1 .. 200;
$p->settle;
publish($p, RECORDS);
ok(wait_for(sub { (() = $t->log =~ /ended: 4008/g) == 200 }, 15),
    'those who make no progress are closed');
