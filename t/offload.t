# Slow work runs in the thread pool: it delays nobody else, and when there is
# too much of it a token is told "busy".  PROTOCOL.md, 5; G8.

use Test::Token;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(main => <<'EOM', conf => <<'EOC');
thread_pool work threads=2 max_queue=64;
EOM
token_thread_pool work max_tasks=3;

token_atom  count  0;
token_atom  other  0;

token_service  slow   { delay 1s; add count 1; }
token_service  fast   { add other 1; }
token_service  never  { fail 100%; add count 1000; }
token_service  flaky  { delay 5ms; fail 50%; add other 1; }

server {
    listen 127.0.0.1:%%PORT%%;
    location = /live {
        token_websocket;
        token_watch count other;
        token_allow slow fast never flaky;
    }
}
EOC
$t->plan(25);

my $s = $t->connect;
my $other = $t->connect;
$other->watch('count');
$other->expect({ channel => 'count' });


# others go on meanwhile

my $start = time;
my $slow = $s->token('slow');
my $fast = $other->spend('fast');
is($fast->{outcome}, 'ok', 'a token beside a slow one');
cmp_ok(time - $start, '<', 0.7, 'does not wait for it');

my $mine = $s->spend('fast');
is($mine->{outcome}, 'ok', 'nor does another token of the same session');
cmp_ok(time - $start, '<', 0.9, 'wait');
is($s->count('outcome'), 0, 'the order of outcomes is that of finishing');
is($s->ping('x'), 'x', 'frames are answered meanwhile');

is($s->outcome($slow)->{outcome}, 'ok', 'the slow one comes, too');
cmp_ok(time - $start, '>=', 0.99, 'after its delay');
is($other->expect({ channel => 'count' })->{value}, 1, 'and has its effect');


# too much of it

my @ids = map { $s->token('slow') } 1 .. 5;
my $busy = $s->expect({ type => 'outcome', outcome => 'busy' });
is($busy->{outcome}, 'busy', 'more tasks than max_tasks: busy');
cmp_ok($busy->{retry}, '>', 0, 'with the time after which to retry');
ok(!exists $busy->{seq}, 'nothing was run');
is($s->expect({ type => 'outcome', outcome => 'busy' })->{type}, 'outcome',
    'two of five');

$fast = $other->spend('fast');
is($fast->{outcome}, 'ok', 'what needs no pool of its own goes on');

my $ok = 0;
for (1 .. 3) {
    my $o = $s->expect('outcome');
    $ok++ if ($o->{outcome} // '') eq 'ok';
}
is($ok, 3, 'three of five are ok');

is($s->outcome($s->token('slow', undef, $busy->{id}))->{outcome}, 'ok',
    'the same id, sent again later, is ok');
$other->settle;
is($other->expect({ channel => 'count', value => 5 })->{value}, 5,
    'each has had its effect once');


# failure

$other->drain('atom');
my $o = $s->spend('never');
is($o->{outcome}, 'failed', 'a service that fails');
is($o->{error}{code}, 'service_failed', 'says so');
ok(length($o->{error}{message} // ''), 'in words');
$other->settle;
is($other->count({ channel => 'count' }), 0, 'and has no effect');

my ($id, $tries) = (id(), 0);
$other->watch('other');
my $before = $other->expect({ channel => 'other' })->{value};
do {
    $o = $s->outcome($s->token('flaky', undef, $id));
} while (++$tries < 60 && $o->{outcome} ne 'ok');
is($o->{outcome}, 'ok', 'a token that failed may be sent again');
is($s->outcome($s->token('flaky', undef, $id))->{seq}, $o->{seq},
    'until it is ok: then that stays');
my $after = $other->expect({ channel => 'other' });
is($after->{value}, $before + 1, 'with one effect');

# a session that is gone does not disturb its work

$slow = $other->token('slow');
$other->settle;
$other->cut;
is($s->outcome($s->token('slow', undef, $slow))->{outcome}, 'ok',
    'a token outlives its session');
