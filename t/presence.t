# Who is here, over all workers.  PROTOCOL.md, 4.3.

use Test::Token;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(workers => 2, conf => <<'EOC');
token_presence  room   grace=500ms;
token_presence  lobby  grace=0;

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_watch room;

    location = /live  { token_websocket; }
    location = /both  { token_websocket; token_watch room lobby; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
}
EOC
$t->write_file(users => join '', map { "$_:{PLAIN}\n" } qw/ alice bob /);
$t->plan(21);

# Waits until a session sees this state: "alice=1 bob=2 +3".
sub sees ($s, $want) {
    my $last = 'nothing';
    my $found = wait_for(sub {
        for my $m ($s->drain('presence')) {
            $last = join ' ', (map { "$_->{user}=$_->{tabs}" }
                $m->{users}->@*), "+$m->{anonymous}";
        }
        return $last eq $want;
    }, 8);
    return $found ? $want : $last;
}

# A session on another worker than the given one.
sub elsewhere ($s, @args) {
    for (1 .. 20) {
        my $new = $t->connect(@args);
        return $new if $new->worker ne $s->worker;
        $new->close;
    }
    return;
}


my $w = $t->connect;
my $watching = $w->watch('room');
is($watching->{kind}, 'presence', 'watching: kind');
is($watching->{recovered}, false, 'presence has no cursor');
is(sees($w, '+1'), '+1', 'an anonymous session is present');

my $second = elsewhere($w);
$second->watch('room');
is(sees($w, '+2'), '+2', 'another one, on another worker');
is(sees($second, '+2'), '+2', 'it sees the whole state, too');

my $alice = $t->connect('/user', user => 'alice');
$alice->settle;
$w->settle;
is($w->count('presence'), 0, 'a session that does not watch is not present');
$alice->watch('room');
is(sees($w, 'alice=1 +2'), 'alice=1 +2', 'a user');

my $tab = elsewhere($alice, '/user', user => 'alice');
$tab->watch('room');
is(sees($w, 'alice=2 +2'), 'alice=2 +2', 'two tabs of hers on two workers');

my $bob = $t->connect('/user', user => 'bob');
$bob->watch('room');
is(sees($w, 'alice=2 bob=1 +2'), 'alice=2 bob=1 +2',
    'another user, in order of their names');
is(sees($bob, 'alice=2 bob=1 +2'), 'alice=2 bob=1 +2', 'he sees the same');


# leaving

$tab->close;
is(sees($w, 'alice=1 bob=1 +2'), 'alice=1 bob=1 +2', 'a tab less');

my $start = time;
$bob->cut;
is(sees($w, 'alice=1 +2'), 'alice=1 +2', 'a user has left');
cmp_ok(time - $start, '>=', 0.45, 'but not before the grace is over');

$second->close;
is(sees($w, 'alice=1 +1'), 'alice=1 +1', 'an anonymous one has left');


# coming back in time

$alice->cut;
$alice = $t->connect('/user', user => 'alice');
$alice->watch('room');
$w->drain('presence');
my $left = 0;
my $until = time + 1;
wait_for(sub {
    $left += grep { !$_->{users}->@* } $w->drain('presence');
    return time > $until;
});
is($left, 0, 'who comes back within the grace has never left');


# unwatch leaves, too

$alice->send({ type => 'unwatch', channel => 'room' });
is($alice->expect('unwatched')->{channel}, 'room', 'unwatch');
is(sees($w, '+1'), '+1', 'leaves');


# channels are apart

my $both = $t->connect('/both');
$both->watch('lobby');
is(sees($both, '+1'), '+1', 'another channel has a state of its own');
is($w->watch('lobby')->{code}, 'unknown_channel',
    'and is not allowed everywhere');


# a worker that dies takes its sessions along

my $there = elsewhere($w, '/user', user => 'bob');
$there->watch('room');
is(sees($w, 'bob=1 +1'), 'bob=1 +1', 'a user on the other worker');
kill KILL => $there->worker;
$t->{allow} = qr/exited on signal 9/;
is(sees($w, '+1'), '+1', 'kill -9 of that worker: he is gone');
