# Storms: handshakes that are dropped, reloads under load, guessed passwords.
# Whatever comes, afterwards nginx is as it was.  TOKEN_STORM=full has them at
# full size.

use Test::Token;
use Test::Token::Client;
use Test::Token::Workers;
use IO::Socket::INET;
use Mojo::Util qw/ b64_encode /;
use Socket qw/ SOL_SOCKET SO_LINGER /;
use Time::HiRes qw/ time /;

my $full = ($ENV{TOKEN_STORM} // '') eq 'full';
my ($drops, $reloads, $clients) = $full ? (20000, 50, 200) : (4000, 8, 25);

my $t = Test::Token->new(workers => 2, connections => 1024,
    main => 'worker_shutdown_timeout 20s;', conf => <<'EOC');
token_presence  room  grace=0;
token_log       feed;
token_service   send  { append feed; }

server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    add_header   X-Worker $pid always;
    location = /live {
        auth_basic $realm; auth_basic_user_file %%DIR%%/users;
        token_websocket;
        token_watch room feed;
        token_allow send;
        token_limit_sessions $binary_remote_addr 100000;
    }
}
map $arg_user $realm { default off; 1 "x"; }
EOC
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(15);

my $most = (is_sanitized($t) ? 40 : 1) * 1024 * 1024;

sub descriptors ($pid) {
    my @fds = glob "/proc/$pid/fd/*";
    return scalar @fds;
}

# A few connections at a time are dropped, each in another way.
my $ping = Test::Token::Raw::frame(1, '{"type":"ping"}');
my $watch = Test::Token::Raw::frame(1, '{"type":"watch","channel":"room"}');
my @protocol = ('Sec-WebSocket-Protocol' => 'token.v1');
my @alice = (Authorization => 'Basic ' . b64_encode('alice:', ''));
my @ways = (
    sub ($raw) { },                                       # not a word
    sub ($raw) { $raw->write("GET /live HTTP/1.1\r\nHo") },
    sub ($raw) { $raw->write($raw->request('/live', @protocol)) },
    sub ($raw) { $raw->handshake('/live', @protocol) },
    sub ($raw) { $raw->handshake('/live', @protocol); $raw->write($watch) },
    sub ($raw) { $raw->handshake('/live?user=1', @protocol, @alice);
        $raw->write($watch . substr $ping, 0, 4) },
    sub ($raw) { $raw->handshake('/live', @protocol);
        $raw->write($watch . $ping . Test::Token::Raw::frame(8, '')) },
    sub ($raw) { $raw->handshake('/live') },              # refused
);

sub storm ($n) {
    my @open;
    my $told = 0;
    for my $i (1 .. $n) {
        my $raw = $t->raw;
        $ways[$i % @ways]->($raw);
        $told++ if ($raw->{head} // '') =~ /^HTTP.1.1 (?:101|400)/;
        push @open, $raw;
        next if @open < 20;
        my $old = shift @open;
        setsockopt $old->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)
            if $i % 3 == 0;    # the server gets a reset
        $old->end;
    }
    $_->end for @open;
    return $told;
}

my $observer = $t->connect;
$observer->watch('room');

# The state of presence that has only the observer.
sub alone () {
    return wait_for(sub {
        my @states = $observer->drain('presence') or return;
        my $last = $states[-1];
        return $last->{users}->@* == 0 && $last->{anonymous} == 1;
    }, 20);
}


# handshakes and drops

storm(400);
ok(alone(), 'after a small one everybody has gone');
my @workers = $t->workers;
my %rss = map { $_ => rss($_) } @workers;
my %fds = map { $_ => descriptors($_) } @workers;

my $start = time;
my $told = storm($drops);
note(sprintf '%d handshakes and drops: %.1f s', $drops, time - $start);
is($told, $drops * 5 / 8, 'handshakes are answered, to the last');
ok(alone(), 'everybody has gone from presence');
# one that had not been closed yet may have been counted before
ok(wait_for(sub { !grep { descriptors($_) > $fds{$_} } @workers }, 20),
    'no file is left open');
is((grep { rss($_) - $rss{$_} > $most } @workers), 0, 'no memory is kept');
is(join(' ', $t->workers), "@workers", 'by the same workers');
ok($observer->settle->is_open, 'a session has stayed through it');
$observer->close;


# reloads, while clients talk

my @clients = map { Test::Token::Client->new($t, 'feed') } 1 .. $clients;
$_->tick for @clients;
my $master = descriptors($t->pid);
my $sent = 0;
my $talk = Mojo::IOLoop->recurring(0.05 => sub {
    $clients[ $sent++ % @clients ]->spend('send', $sent);
});

my ($done, $rss_first) = (0);
$start = time;
for (1 .. $reloads) {
    $done++ if $t->reload;
    wait_for(sub {
        $_->tick for @clients;
        return !grep { !$_->is_up } @clients;
    }, 30);
    $rss_first //= rss(($t->workers)[-1]);
}
note(sprintf '%d reloads with %d sessions: %.1f s', $reloads, $clients,
    time - $start);
Mojo::IOLoop->remove($talk);

is($done, $reloads, 'each reload brings new workers');
ok(wait_for(sub {
    $_->tick for @clients;
    return !grep { !$_->is_idle || $_->{read}->@* < $sent } @clients;
}, 30), 'every token is answered, and everybody has read them');
my ($wrong, %orders) = (0);
for my $c (@clients) {
    $wrong += $c->{twice} + $c->{resets}
        + grep { $_->{outcome} ne 'ok' } values $c->{outcomes}->%*;
    $orders{ join ' ', map { $_->{value} } $c->{read}->@* }++;
}
is($wrong, 0, 'with ok, once, and without a reset');
is(scalar(keys %orders), 1, 'in one order, by all');
my %values = map { $_->{value} => 1 } $clients[0]{read}->@*;
is(scalar(keys %values), $sent, 'none is there twice, none is missing');
ok(wait_for(sub { 2 == (() = $t->workers) }, 30), 'the old workers are gone');
is(descriptors($t->pid), $master, 'no file is left open in the master');
cmp_ok(rss(($t->workers)[-1]) - $rss_first, '<', $most * 4,
    'the last workers are as small as the first');
