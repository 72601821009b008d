# Workers that are killed at any moment, also inside of a commit: nothing is
# lost, nothing happens twice, and nothing is left behind.  DESIGN.md, G5.

use Test::Token;
use Test::Token::Client;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my $seed = $ENV{SEED} // int rand 1e6;
srand $seed;

my $t = Test::Token->new(workers => 2, allow => qr/exited on signal 9/,
    main => "thread_pool token threads=8;\n", conf => <<'EOC');
token_store     %%DIR%%/store  size=64m  sync=on;
token_atom      count  0;
token_log       all;
token_presence  room   grace=0;

token_service  fast  { add count 1; append all; }
token_service  slow  { delay 30ms; add count 1; append all; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_watch count all room;
    token_allow fast slow;
    token_max_inflight 500;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
}
EOC
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(19);
note("SEED=$seed");

my @store = ('-n', "$t->{dir}/store/live.mdb");
my @clients = map { Test::Token::Client->new($t, 'all') } 1 .. 6;

sub settled ($timeout) {
    return wait_for(sub {
        $_->tick for @clients;
        return !grep { !$_->is_idle } @clients;
    }, $timeout);
}

# At most this many reader slots are in use.
sub few_readers ($most, @path) {
    my $n;
    wait_for(sub {
        $n = readers(@path);
        return !defined $n || $n <= $most;
    }, 3);
    return !defined $n || $n <= $most ? 'few' : $n;
}

$_->tick for @clients;
my $watcher = Test::Token::Client->new($t, 'all');


# rounds of tokens, and one kill in each

my ($kills, $disturbed, $slowest) = (0, 0, 0);
for my $round (1 .. 14) {
    for my $client (@clients) {
        $client->spend($_ % 5 ? 'fast' : 'slow', "$round-$_") for 1 .. 30;
    }
    my $moment = time + rand 0.04;
    wait_for(sub { $_->tick for @clients, $watcher; time > $moment }, 1);

    my @workers = $t->workers;
    my $victim = $workers[rand @workers];
    # a client may not have looked since the worker before was killed
    my %stays = map { $_ => 1 } grep { $_ != $victim } @workers;
    my %others = map { $_ => $_->{session} }
        grep { $_->is_up && $stays{ $_->worker } } @clients;
    kill(KILL => $victim) and $kills++;

    my $start = time;
    settled(10) or last;
    my $took = time - $start;
    $slowest = $took if $took > $slowest;
    $disturbed += grep { !$_->is_open } values %others;
    $t->wait_log(qr/worker process $victim exited/, 5);
    wait_for(sub { $t->workers == 2 }, 5);
}
is($kills, 14, 'fourteen kills');
ok(settled(5), 'every token is resolved');
is($disturbed, 0, 'sessions of the other worker are not disturbed');
cmp_ok($slowest, '<', 4, 'and the store is usable at once');


# nothing lost, nothing twice

my (%ok, %other);
for my $client (@clients) {
    for my $m (values $client->{outcomes}->%*) {
        $m->{outcome} eq 'ok' ? $ok{ $m->{id} } = $m->{seq}
            : $other{ $m->{outcome} }++;
    }
}
is(keys %ok, 14 * 6 * 30, 'every token is ok');
is_deeply(\%other, {}, 'and none has another outcome');
is((grep { $_->{twice} } @clients), 0, 'none is answered twice');
diag('reconnects: ' . join ' ', map { $_->{connects} } @clients)
    if $ENV{TOKEN_DEBUG};

my $s = $t->connect;
$s->watch('count');
is($s->expect('atom')->{value}, keys %ok, 'the counter is their number');

$s->watch('all');
$s->expect('synced');
my (%records, $n);
while (my $m = $s->take('record')) {
    $records{ $m->{token} } = $m->{seq};
    $n++;
}
is($n, keys %ok, 'as many records');
is_deeply(\%records, \%ok, 'each of an ok, with its seq');

wait_for(sub {
    $_->tick for @clients, $watcher;
    return !grep { $_->{seq} < (sort { $b <=> $a } values %ok)[0] } @clients;
}, 5);
my @all = sort { $a <=> $b } values %ok;
my $bad = 0;
for my $client (@clients) {
    my @read = map { $_->{seq} } $client->{read}->@*;
    $bad++ if "@read" ne "@all";
}
is($bad, 0, 'each client has read every record, in order, once');
is((grep { $_->{resets} } @clients), 0, 'without a reset');


# presence

my $keeper = $t->connect;
$keeper->watch('room');
my $there = off_worker($t, $keeper->worker, '/user', user => 'alice');
my $nobody = on_worker($t, $there->worker);
$_->watch('room') for $there, $nobody;
my $state;
my $sees = sub ($want) {
    return wait_for(sub {
        while (my $m = $keeper->take('presence')) {
            $state = join ' ', (map { "$_->{user}=$_->{tabs}" }
                $m->{users}->@*), "+$m->{anonymous}";
        }
        return ($state // '') eq $want;
    }, 5);
};
ok($sees->('alice=1 +2'), 'three sessions are present') or diag($state);
kill KILL => $there->worker;
my $start = time;
ok($sees->('+1'), 'those of a killed worker are gone') or diag($state);
cmp_ok(time - $start, '<', 2, 'within two seconds');
ok($keeper->is_open, 'the other session is still there');


# the rest

$_->{session}->cut for @clients, $watcher;
is(few_readers(8, "$t->{dir}/store"), 'few', 'no reader slots are left');
is(few_readers(8, @store), 'few', 'nor in the other environment');
is($t->connect->spend('fast', 'end')->{outcome}, 'ok', 'it goes on');
