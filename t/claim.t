# The same id, asked for in many places at once, and a worker that dies while
# it runs: DESIGN.md, G1, G5, G11.

use Test::Token;
use Test::Token::Backend;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my $backend = Test::Token::Backend->new(sub ($call) { });
my $conf = <<'EOC';
token_atom  count  0;
token_log   done;

token_service  fast  { add count 1; append done; }
token_service  slow  { delay 700ms; add count 1; append done; }
token_service  long  { delay 1500ms; add count 1; append done; }
token_service  pay   { pass /internal/x; timeout 20s; add count 1;
                       append done; }
token_service  safe  { pass /internal/x; timeout 20s; idempotent;
                       add count 1; append done; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_allow fast slow long pay safe;
    token_watch count done;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
    location = /internal/x {
        internal;
        proxy_pass http://127.0.0.1:BACKEND;
    }
}
EOC

my $t = Test::Token->new(workers => 2, allow => qr/exited on signal 9/,
    main => "thread_pool token threads=8;\n",
    conf => $conf =~ s/BACKEND/$backend->port/er);
$t->write_file(users => "alice:{PLAIN}\nbob:{PLAIN}\n");
$t->plan(41);

# The seqs of the records that an id has in the log, as a new session sees it.
sub records ($id) {
    my $s = $t->connect;
    $s->watch('done');
    $s->expect('synced');
    my @seq = map { $_->{json}{seq} }
        grep { ($_->{json}{token} // '') eq $id } $s->{queue}->@*;
    $s->close;
    return @seq;
}

sub count () {
    my $s = $t->connect;
    $s->watch('count');
    my $value = $s->expect('atom')->{value};
    $s->close;
    return $value;
}


# everybody at once

my @s = (pair($t), map { $t->connect } 1 .. 22);
my %workers = map { $_->worker => 1 } @s;
is(keys %workers, 2, 'two dozen sessions on two workers');

for my $service (qw/ fast slow /) {
    my $id = id();
    my $before = count();
    my $start = time;
    $_->token($service, 'same', $id) for @s;
    my @o = map { $_->outcome($id) } @s;
    my %seen;
    $seen{"$_->{outcome} " . ($_->{seq} // '')}++ for @o;

    is(keys %seen, 1, "$service: one answer for all");
    is($o[0]{outcome}, 'ok', 'ok');
    cmp_ok(time - $start, '<', 3.5, 'nobody waits for a second run');
    is_deeply([ records($id) ], [ $o[0]{seq} ], 'one record, with that seq');
    is(count() - $before, 1, 'one effect');
    is($s[0]->settle->count({ type => 'outcome', id => $id }), 0,
        'one answer each');
}


# others' requests with that id, meanwhile

my ($a, $b) = pair($t);
my $alice = on_worker($t, $b->worker, '/user', user => 'alice');
my $id = id();
my $bob = on_worker($t, $a->worker, '/user', user => 'bob');
$alice->token('slow', 1, $id);
$alice->settle;
$bob->token('slow', 1, $id);
$b->token('slow', 2, $id);
is($b->outcome($id)->{error}{code}, 'id_reused', 'another request: refused');

# whoever of the two claims it first is the owner
my @both = map { $_->outcome($id) } $alice, $bob;
is(scalar(grep { $_->{outcome} eq 'ok' } @both), 1, 'the owner: ok');
is(scalar(grep { ($_->{error}{code} // '') eq 'id_reused' } @both), 1,
    'another user, on the other worker: refused');
is(scalar records($id), 1, 'one record');


# the worker dies inside of a call, which may or may not have been done

my $calls = $backend->calls;
$id = id();
$a->token('pay', 1, $id);
my $call = $backend->call(++$calls);
$b->token('pay', 1, $id);
$b->settle;
is($b->count('outcome'), 0, 'a call of another worker is waited for');
kill KILL => $a->worker;
my $o = $b->outcome($id);
is($o->{outcome}, 'interrupted', 'its worker is killed: interrupted');
ok(wait_for(sub { $call->{closed} }), 'the call is cut');
is($b->spend('pay', 1, $id)->{outcome}, 'interrupted', 'and that is final');
is($backend->calls, $calls, 'no second call');
is(scalar records($id), 0, 'no effect');

$a = off_worker($t, $b->worker);
$id = id();
$a->token('pay', 2, $id);
$backend->call(++$calls);
kill KILL => $a->worker;
$a->closed;
$b->send({ type => 'resume', ids => [$id] });
is($b->outcome($id)->{outcome}, 'unknown', 'nobody waited: resume, unknown');
is($b->spend('pay', 2, $id)->{outcome}, 'interrupted',
    'sent again: interrupted');
is(scalar records($id), 0, 'no effect');
is($backend->calls, $calls, 'no second call');


# sent again, and cancelled before anybody has looked

for my $service (qw/ pay safe /) {
    $a = off_worker($t, $b->worker);
    $id = $a->token($service, 5);
    $backend->call(++$calls);
    kill KILL => $a->worker;
    $a->closed;
    $b->token($service, 5, $id);
    $b->send({ type => 'cancel', id => $id });
    is($b->outcome($id)->{outcome}, 'interrupted',
        "$service: a cancel does not undo what was interrupted");
    is($backend->calls, $calls, 'no second call');
}


# an idempotent service runs again

$a = off_worker($t, $b->worker);
$id = id();
$a->token('safe', 3, $id);
$backend->call(++$calls);
$b->token('safe', 3, $id);
$b->settle;
kill KILL => $a->worker;
$call = $backend->call(++$calls);
is($call->{headers}{'idempotency-key'}, $id, 'it is called again');
Test::Token::Backend::reply($call, 200, '"done"');
$o = $b->outcome($id);
is($o->{outcome}, 'ok', 'ok');
is($o->{result}, 'done', 'with its result');
is_deeply([ records($id) ], [ $o->{seq} ], 'one record');
is($b->spend('safe', 3, $id)->{seq}, $o->{seq}, 'and that is final');
is($backend->calls, $calls, 'two calls in all');


# nothing was begun outside of the store: it runs again

$a = off_worker($t, $b->worker);
$id = id();
my $before = count();
$a->token('long', 4, $id);
$a->settle;
$b->token('long', 4, $id);
$b->settle;
kill KILL => $a->worker;
$o = $b->outcome($id);
is($o->{outcome}, 'ok', 'killed inside of a delay: it runs again');
is_deeply([ records($id) ], [ $o->{seq} ], 'one record');
is(count() - $before, 1, 'one effect');


# what the dead had claimed

my $claims = sub {
    my $text = `mdb_stat -n -s claim $t->{dir}/store/live.mdb 2>/dev/null`;
    return $text =~ /Entries: (\d+)/ ? "claims: $1" : 'no mdb_stat';
};
my $held;
ok(wait_for(sub { ($held = $claims->()) ne 'claims: 1' }),
    'no claim is left') or diag($held);
