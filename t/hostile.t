# Clients that mean harm: floods, pieces, and what asks for more than it gives.
# Each gets what the limits say, and costs a bounded amount of memory.  G10.

use Test::Token;
use Test::Token::Workers;
use Compress::Raw::Zlib;
use IO::Socket::INET;
use Mojo::JSON qw/ decode_json encode_json /;
use Socket qw/ SOL_SOCKET SO_RCVBUF pack_sockaddr_in inet_aton /;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(main => 'thread_pool token threads=2;',
    conf => <<'EOC');
token_atom     a     0;
token_log      feed  keep=10000;
token_service  add   { add a 1; }
token_service  late  { delay 1ms; add a 1; }
token_service  feed  { append feed; }
token_service  find  { find feed; }

client_header_timeout 1s;

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch  a feed;
    token_allow  add late feed find;

    location = /live    { token_websocket; token_rate off; }
    location = /default { token_websocket; }
    location = /rate    { token_websocket; token_rate 20r/s burst=5; }
    location = /one     { token_websocket; token_max_inflight 1; }
    location = /packed  { token_websocket; token_deflate on; }
    location = /echo    { token_echo; token_deflate on; }
    location = /frames  { token_echo; token_max_frames 10000000; }
    location = /beat    { token_websocket; token_heartbeat 1s; }
    location = /short   {
        token_websocket; token_session_time 1s; token_stall_timeout 60s;
    }
}
EOC
$t->plan(43);
my $worker = wait_for(sub { ($t->workers)[0] });

# a sanitizer's malloc() keeps what was freed for a while
my $most = (is_sanitized($t) ? 40 : 1) * 1024 * 1024;

use constant { TEXT => 1, PING => 9, PONG => 10 };
*frame = \&Test::Token::Raw::frame;


sub session ($path, $size = 0, @headers) {
    my $socket = IO::Socket::INET->new(Proto => 'tcp');
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $size if $size;
    connect $socket, pack_sockaddr_in($t->port, inet_aton('127.0.0.1'))
        or die "connect: $!";
    my $raw = Test::Token::Raw->new(socket => $socket);
    $raw->handshake($path, 'Sec-WebSocket-Protocol' => 'token.v1', @headers)
        == 101 or die "no session at $path\n";
    return $raw;
}


# Seconds that a process has worked.
sub cpu ($pid) {
    open my $fh, '<', "/proc/$pid/stat" or die "/proc/$pid/stat: $!";
    my @fields = split ' ', <$fh> =~ s/.*\) //r;
    return ($fields[11] + $fields[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


# How many bytes the worker has grown by, after some work; what is left for
# later has been done.
sub grown ($before) {
    $t->connect('/live')->settle->close;
    return rss($worker) - $before;
}


# Writes as much as the server takes before a frame that matches comes.
sub pour ($raw, $bytes, $done) {
    my $pos = 0;
    $raw->{socket}->blocking(0);
    local $SIG{PIPE} = 'IGNORE';

    my $result = wait_for(sub {
        my $n = syswrite $raw->{socket}, $bytes, 65536, $pos;
        $pos += $n // 0;
        sysread $raw->{socket}, $raw->{in}, 65536, length $raw->{in};
        while (my $f = $raw->parse_frame) {
            my $found = $done->($f);
            return $found if $found;
        }
        return;
    }, 20);
    $raw->{socket}->blocking(1);
    return $result;
}


sub close_code ($f) {
    return $f->{opcode} == 8 ? unpack 'n', $f->{payload} : 0;
}


# control frames, without end: the rate holds for them, too

for my $opcode (PING, PONG) {
    my $raw = session('/rate');
    my $start = time;
    my $flood = $raw->write(frame($opcode, 'x') x 40
        . frame(TEXT, '{"type":"ping"}'));
    my $last = '';
    $last = $raw->message until $last =~ /pong|close|end/;
    like($last, qr/pong/, "a flood of opcode $opcode is worked off");
    cmp_ok(time - $start, '>=', 1.5, 'at the rate');
}

# messages of nothing are messages
my $raw = session('/rate');
my $start = time;
$raw->write(frame(TEXT, '') x 40 . frame(TEXT, '{"type":"ping"}'));
my $last = '';
$last = $raw->message until $last =~ /pong|close|end/;
like($last, qr/pong/, 'a flood of empty messages is worked off');
cmp_ok(time - $start, '>=', 1.5, 'at the rate');

# and each id of a resume is looked up
$raw = session('/rate');
$start = time;
$raw->write(frame(TEXT, encode_json({ type => 'resume',
    ids => [ map { id() } 1 .. 40 ] })));
my @answers = map { $raw->message } 0 .. 40;
$raw->write(frame(TEXT, '{"type":"ping"}'));
like($raw->message, qr/pong/, 'a resume of many ids is worked off');
cmp_ok(time - $start, '>=', 1.5, 'at the rate');

# what waits for the rate, waits outside: the sender's socket is full
my $before = rss($worker);
my @floods = map { session('/rate') } 1 .. 20;
for my $raw (@floods) {
    $raw->{socket}->blocking(0);
    1 while syswrite $raw->{socket}, frame(PING, 'x') x 10000;
}
cmp_ok(grown($before), '<', $most * 4, 'twenty floods cost little');
like($floods[0]->message, qr/hello/, 'they are answered');
my ($cpu, $from) = (cpu($worker), time);
$raw = session('/beat');
is($raw->closed, 4012, 'two seconds of that');
cmp_ok((cpu($worker) - $cpu) / (time - $from), '<', 0.3,
    'are little work, too');
$_->end for @floods;


# pieces: fragments without end

$before = rss($worker);
$raw = session('/default');
my $fragments = frame(TEXT, 'x', fin => 0) . frame(0, 'x', fin => 0) x 1000000;
is(pour($raw, $fragments, \&close_code), 1008,
    'a million fragments: token_max_frames');
$raw = session('/frames');
is(pour($raw, $fragments, \&close_code), 1009, 'or token_max_message');
$raw = session('/frames');
my $empty = frame(1, '', fin => 0) . frame(0, '', fin => 0) x 1000000
    . frame(0, 'end');
is(pour($raw, $empty, sub ($f) { $f->{payload} }), 'end',
    'a million empty ones, where that is allowed');
cmp_ok(grown($before), '<', $most, 'cost nothing');


# half of it: a frame that promises much

$before = rss($worker);
my @halves = map { session('/default') } 1 .. 100;
$_->write(frame(TEXT, '', len => 65000)) for @halves;
cmp_ok(grown($before), '<', $most, 'memory is not had for a promise');
$_->end for @halves;
is(do { $raw = session('/default');
    $raw->write(frame(TEXT, '', len => 1 << 62)); $raw->closed }, 1009,
    'a promise of 2^62 bytes: too big');
$raw = session('/beat');
$raw->write(substr frame(TEXT, '{"type":"ping"}'), 0, 5);
is($raw->closed, 4012, 'half a frame, and silence: no heartbeat');

# half a handshake
$raw = $t->raw;
$raw->write("GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n");
ok($raw->ended, 'half a handshake ends: client_header_timeout');
$raw = $t->raw;
my $head = $raw->request('/live');
my $tick = Mojo::IOLoop->recurring(0.2 => sub {
    $raw->write(substr $head, 0, 1, '') if length $head > 4;
});
ok(wait_for(sub { IO::Select->new($raw->{socket})->can_read(0) }, 10),
    'so does one byte by byte');
Mojo::IOLoop->remove($tick);


# little that asks for much

$before = rss($worker);
my @noise = map { session('/live', 4096) } 1 .. 20;
$_->write(frame(TEXT, "x\n" x 30000)) for @noise;
my %codes = map { $_->closed => 1 } @noise;
is_deeply(\%codes, { 1008 => 1 }, 'a message of 30,000 mistakes: 1008');
cmp_ok(grown($before), '<', $most * 10, 'and they cost little');

my $all = 0;
$raw = session('/live');
$raw->write(frame(TEXT, "x\n" x 1000) x 3 . frame(TEXT, '{"type":"ping"}'));
while (my $m = $raw->message) { $all++; last if $m =~ /pong|close|end/ }
is($all, 3002, 'several, of a thousand each: all are answered');

# compressed, that is a few bytes
sub packed ($text) {
    my $z = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
        -AppendOutput => 1);
    $z->deflate($text, my $out = '');
    $z->flush($out, Z_SYNC_FLUSH);
    return substr $out, 0, -4;
}
my @deflate = ('Sec-WebSocket-Extensions' => 'permessage-deflate');
my $bomb = frame(TEXT, packed("x\n" x 8000), rsv => 4);
cmp_ok(length($bomb), '<', 200, 'a bomb of 200 bytes');
$raw = session('/packed', 0, @deflate);
$raw->write($bomb x 300);
is($raw->closed, 1008, 'is found by its answers');

# 400 messages of 64 KiB in one read, for who does not read the answers
$before = rss($worker);
@noise = map { session('/echo', 4096, @deflate) } 1 .. 4;
my $noise = join '', map { chr 33 + rand 90 } 1 .. 1000;
my $echo = frame(TEXT, packed(substr $noise x 66, 0, 65000), rsv => 4);
$_->write($echo x int(64000 / length $echo)) for @noise;
cmp_ok(grown($before), '<', $most * 12, 'an echo holds back');
my $echoes = 0;
$noise[0]->{socket}->blocking(1);
my $want = int(64000 / length $echo);
while ($echoes < $want) {
    my $f = $noise[0]->read_frame or last;
    $echoes++ if $f->{opcode} == TEXT;
}
is($echoes, $want, 'and loses nothing');
$_->end for @noise;


# answers that are known: only so many wait

my $s = $t->connect('/one');
my $id = id();
is($s->outcome($s->token('late', 1, $id))->{outcome}, 'ok', 'a token');
my %token = (type => 'token', id => $id, service => 'late', value => 1);
$s->send(map { \%token } 1 .. 400);
my %n;
$n{ $s->outcome($id)->{outcome} }++ for 1 .. 400;
is($n{ok} + $n{busy}, 400, 'asked for 400 times, answered as often');
cmp_ok($n{ok}, '<=', 257, 'and not by as many copies at a time');
$s->watch('a');
is($s->expect('atom')->{value}, 1, 'its effect is there once');

my @ids = map { $s->outcome($s->token('add', 1, id()))->{id} } 1 .. 300;
$s->send(map { { type => 'resume', ids => [ @ids[ @$_ ] ] } } [ 0 .. 149 ],
    [ 150 .. 299 ]);
%n = ();
$n{ $s->expect({ type => 'outcome' })->{outcome} }++ for 1 .. 300;
is($n{ok}, 257, 'a resume is answered for what may wait');
is($n{unknown}, 43, 'and the rest is sent again');


# a search: what all records are compared with is short, and what it finds

is($s->spend('find', 'a' x 2000)->{error}{code}, 'too_large', 'a long search');
is($s->spend('find', { q => 'a' x 900 })->{outcome}, 'ok', 'a shorter one');
is($s->spend('feed', 'needle ' . 'x' x 60000)->{outcome}, 'ok', 'a record')
    for 1 .. 3;
$s->token('feed', 'needle ' . 'x' x 60000), $s->expect('outcome') for 1 .. 20;
my $found = $s->spend('find', { q => 'needle', limit => 50 })->{result};
is(scalar @$found, 17, 'records of 1 MiB in all are found');


# time is over for a reader that takes what it is sent slowly, too

my $slow = session('/short', 4096);
$slow->write(frame(TEXT, '{"type":"watch","channel":"feed"}'));
my $other = $t->connect('/short');
is($other->closed, 4014, 'the time of a session');
my $later = $t->connect('/short');
$later->closed;
my ($records, $code) = (0, 0);
while (my $f = $slow->read_frame) {
    $records++ if $f->{payload} =~ /"record"/;
    last if $code = close_code($f);
}
is($code, 4014, 'ends one that is slow');
cmp_ok($records, '<', 23, 'which is sent nothing more');
