# Readers that do not read, or slowly: they cost little, disturb nobody, and
# are closed when they make no progress.  DESIGN.md, G7.

use Test::Token;
use Test::Token::Workers;
use IO::Socket::INET;
use Mojo::JSON qw/ decode_json /;
use Socket qw/ SOL_SOCKET SO_RCVBUF pack_sockaddr_in inet_aton /;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(conf => <<'EOC');
token_log   feed   keep=100000;
token_log   short  keep=100;
token_atom  atom   0;

token_service  feed   { append feed; }
token_service  short  { append short; set atom; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch feed short atom;
    token_allow feed short;
    token_max_inflight 1000;

    location = /live    { token_websocket; token_stall_timeout 2s; }
    location = /patient { token_websocket; token_stall_timeout 60s; }
}
EOC
$t->plan(25);
my ($worker) = wait_for(sub { ($t->workers)[0] });


# A connection with a small receive buffer, that watches and is never read.
sub stuck ($path, $channel, $size = 4096) {
    my $socket = IO::Socket::INET->new(Proto => 'tcp');
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $size;
    connect $socket, pack_sockaddr_in($t->port, inet_aton('127.0.0.1'))
        or die "connect: $!";
    my $raw = bless { socket => $socket, in => '' }, 'Test::Token::Raw';
    $raw->handshake($path, 'Sec-WebSocket-Protocol' => 'token.v1');
    $raw->send_frame(1, qq/{"type":"watch","channel":"$channel"}/);
    return $raw;
}

# The messages that a connection has been sent so far.
sub messages ($raw) {
    while (my $f = $raw->parse_frame) {
        push $raw->{got}->@*, $f->{opcode} == 1 ? decode_json($f->{payload})
            : { type => "opcode $f->{opcode}" };
    }
    return ($raw->{got} // [])->@*;
}

# Appends n records of 1 KiB, some at a time.
my $p = $t->connect('/patient');
sub publish ($service, $n) {
    my $ok = 0;
    while ($n > 0) {
        my @ids = map { $p->token($service, $n . '-' . 'x' x 1000) }
            1 .. ($n > 100 ? 100 : $n);
        $ok += grep { $p->outcome($_)->{outcome} eq 'ok' } @ids;
        $n -= @ids;
    }
    return $ok;
}

# The records' seqs, and whether they are those of another.
sub seqs ($s) {
    my @seqs;
    while (my $m = $s->take('record')) { push @seqs, $m->{seq} }
    return @seqs;
}


# memory

my $healthy = $t->connect;
$healthy->watch('feed');
publish('feed', 400);
$healthy->settle;
my @first = seqs($healthy);
is(@first, 400, 'a healthy reader has all');

my @stuck = map { stuck('/patient', 'feed') } 1 .. 20;
$p->settle;
my $before = rss($worker);
cmp_ok($before, '>', 0, 'memory of the worker is known');
is(publish('feed', 2000), 2000, '2,000 records, while twenty do not read');
my $grown = rss($worker) - $before;
my $most = is_sanitized($t) ? 64 : 1;   # its malloc() keeps what was freed
cmp_ok($grown, '<', $most * 2 * 1024 * 1024,
    'the worker does not grow with them');
is(publish('feed', 1000), 1000, 'a thousand more');
cmp_ok(rss($worker) - $before - $grown, '<', $most * 512 * 1024,
    'cost nothing more');

$healthy->settle;
my @seqs = seqs($healthy);
is(@seqs, 3000, 'a healthy reader has all');
is_deeply(\@seqs, [ map { $first[-1] + $_ } 1 .. 3000 ], 'in order');
is(() = $t->log =~ /too slow/g, 0, 'nobody is closed before the time');

# one of them begins to read
my $late = shift @stuck;
my $records = 0;
while ($records < 3400 && $late->fill(5)) {
    $records = grep { $_->{type} eq 'record' } messages($late);
}
is($records, 3400, 'who reads at last, gets everything');
my @late = map { $_->{seq} } grep { $_->{type} eq 'record' } messages($late);
is_deeply(\@late, [ @first, @seqs ], 'in order');
is((grep { $_->{reset} } messages($late)), 0, 'without a reset');
$_->end for @stuck, $late;


# the stall timer

my $idle = $t->connect;
my $start = time;
@stuck = map { stuck('/live', 'feed') } 1 .. 5;
ok($t->wait_log(qr/(?:too slow.*?){5}/s, 8), 'who does not read is closed');
cmp_ok(time - $start, '>', 1.9, 'not too early');
cmp_ok(time - $start, '<', 5, 'nor too late');
is(() = $t->log =~ /4008 "too slow"/g, 5, 'as too slow');
ok($stuck[0]->ended, 'its connection ends');
ok($idle->settle->is_open, 'who has nothing to read is not closed');
ok($healthy->is_open, 'nor is who reads');
$_->end for @stuck;


# slowly, but steadily: longer than the stall timer in all

my $slow = stuck('/live', 'feed', 16384);
$slow->{socket}->blocking(0);
my $gone;
my $reading = Mojo::IOLoop->recurring(0.01 => sub {
    my $n = sysread $slow->{socket}, $slow->{in}, 12000, length $slow->{in};
    $gone = 1 if defined $n && $n == 0;
});
$start = time;
wait_for(sub {
    $records = grep { $_->{type} eq 'record' } messages($slow);
    return $gone || $records >= 3400;
}, 15);
Mojo::IOLoop->remove($reading);
cmp_ok(time - $start, '>', 2.2, 'a slow reader takes its time');
is($records, 3400, 'and gets everything');
my @read = map { $_->{seq} } grep { $_->{type} eq 'record' } messages($slow);
is_deeply(\@read, \@late, 'in order');


# so slowly that retention is faster: that is said

$slow = stuck('/patient', 'short', 16384);
$p->settle;
publish('short', 3000);
my $fresh = $t->connect;
$fresh->watch('short', last => 1);
my $newest = $fresh->expect('record')->{seq};

my @got;
do {
    @got = messages($slow);
} until grep({ ($_->{seq} // 0) == $newest && $_->{type} eq 'record' } @got)
    || !$slow->fill(5);

my ($reset) = grep { $got[$_]{reset} } 0 .. $#got;
is($got[$reset // 0]{reset}, 'retention', 'what was lost is announced');

my ($gaps, $last) = (0);
for my $m (@got) {
    $last = undef if $m->{reset};
    next unless $m->{type} eq 'record';
    $gaps++ if defined $last && $m->{seq} != $last + 2;
    $last = $m->{seq};
}
is($gaps, 0, 'and there is no other gap');
is($last, $newest, 'up to the last record');
