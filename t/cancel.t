# A token that is cancelled before its commit has no effect: PROTOCOL.md, 6.

use Test::Token;
use Test::Token::Backend;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my $backend = Test::Token::Backend->new(sub ($call) { });
my $conf = <<'EOC';
token_atom  count  0;
token_atom  slow   0;

token_service  fast  { add count 1; }
token_service  slow  { delay 3s; add slow 1; }
token_service  brief { delay 300ms; add slow 1; }
token_service  pass  { pass /internal/x; timeout 20s; add slow 1; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_allow fast slow brief pass;
    token_watch count slow;

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

my $t = Test::Token->new(workers => 2, main => "thread_pool token threads=8;\n",
    conf => $conf =~ s/BACKEND/$backend->port/er);
$t->write_file(users => join '', map { "$_:{PLAIN}\n" } qw/ alice bob /);
$t->plan(33);

my $w = $t->connect;
$w->watch('slow');
$w->expect({ channel => 'slow' });

# all on one worker; what is otherwise is said
sub here ($user = undef) {
    return on_worker($t, $w->worker, $user ? ('/user', user => $user) : ());
}

my $alice = here('alice');
my $bob = here('bob');
my $nobody = here();

sub cancel ($s, $id) { $s->send({ type => 'cancel', id => $id }) }


# in time

my $id = $alice->token('slow');
my $start = time;
$alice->settle;
cancel($alice, $id);
my $o = $alice->outcome($id);
is($o->{outcome}, 'superseded', 'cancelled in time: superseded');
ok(!exists $o->{seq}, 'without a seq');
cmp_ok(time - $start, '<', 2, 'at once');
is($alice->spend('slow', undef, $id)->{outcome}, 'superseded',
    'sent again: superseded');
$alice->send({ type => 'resume', ids => [$id] });
is($alice->outcome($id)->{outcome}, 'superseded', 'resumed: superseded');
is($alice->spend('slow', 'else', $id)->{error}{code}, 'id_reused',
    'another request with that id is refused');

$id = id();
$alice->send({ type => 'token', id => $id, service => 'slow', value => undef },
    { type => 'cancel', id => $id });
is($alice->outcome($id)->{outcome}, 'superseded', 'in the same frame');

my @two = map { here('alice') } 1, 2;
$id = id();
$_->token('slow', 1, $id) for @two;
$_->settle for @two;
cancel($two[1], $id);
is($_->outcome($id)->{outcome}, 'superseded', 'all who wait are told')
    for @two;

$id = id();
$alice->token('slow', 2, $id);
$alice->settle;
$alice->cut;
$alice = here('alice');
cancel($alice, $id);
$alice->send({ type => 'resume', ids => [$id] });
is($alice->outcome($id)->{outcome}, 'running', 'by a next session');
is($alice->outcome($id)->{outcome}, 'superseded', 'of the same user');

is($w->settle->count({ channel => 'slow' }), 0, 'none of these had an effect');

$id = id();
$alice->token('slow', 3, $id);
$alice->settle;
my $there = off_worker($t, $w->worker, '/user', user => 'alice');
$there->send({ type => 'cancel', id => $id });
is($alice->outcome($id)->{outcome}, 'superseded', 'on another worker');
$w->take({ channel => 'slow' });


# too late

$id = id();
$o = $alice->spend('fast', undef, $id);
cancel($alice, $id);
is($alice->settle->count('outcome'), 0, 'after the commit: no answer');
is_deeply($alice->spend('fast', undef, $id), $o, 'and the true outcome stays');

my %n = (ok => 0, superseded => 0);
for (1 .. 30) {
    my $one = id();
    $alice->token('fast', undef, $one);
    cancel($alice, $one);
    $o = $alice->outcome($one);
    $n{ $o->{outcome} }++;
    $n{changed}++ if $alice->spend('fast', undef, $one)->{outcome}
        ne $o->{outcome};
}
is($n{ok} + $n{superseded}, 30, 'close to it: one or the other');
is($n{changed}, undef, 'for good');
$alice->watch('count');
is($alice->expect({ channel => 'count' })->{value}, 1 + $n{ok},
    'with the effect that was said');

# a backend's work cannot be taken back once it has begun
$id = id();
$alice->token('pass', undef, $id);
my $call = $backend->call(1);
cancel($alice, $id);
is($alice->settle->count('outcome'), 0, 'a call that has begun goes on');
Test::Token::Backend::reply($call, 200, '7');
$o = $alice->outcome($id);
is($o->{outcome}, 'ok', 'to its true outcome');
is($o->{result}, 7, 'and result');
my $base = $w->expect({ channel => 'slow' })->{value};
cmp_ok($base, '>', 0, 'and effect');


# not cancelled

cancel($alice, id());
is($alice->settle->count('error'), 0, 'an unknown id is ignored');
$alice->send({ type => 'cancel', id => 'x' });
is($alice->expect('error')->{code}, 'bad_message', 'what is no id is not');

$id = id();
$alice->token('brief', undef, $id);
$alice->settle;
cancel($_, $id) for $bob, $nobody;
$_->settle for $bob, $nobody;
is($alice->outcome($id)->{outcome}, 'ok', "another's cancel does nothing");
is($w->expect({ channel => 'slow' })->{value}, $base + 1,
    'the effect is there');
is($bob->count('outcome') + $bob->count('error'), 0, 'and says nothing');
is($bob->spend('brief', undef, $id)->{error}{code}, 'id_reused',
    'the id is not his');

$id = id();
$nobody->token('brief', undef, $id);
$nobody->settle;
cancel($bob, $id);
is($nobody->outcome($id)->{outcome}, 'superseded',
    'what was asked for anonymously may be cancelled by anybody who knows it');

$id = id();
$alice->token('brief', undef, $id);
$alice->settle;
$alice->close;
is($w->expect({ channel => 'slow' })->{value}, $base + 2,
    'closing the tab does not cancel');
$id = id();
$bob->token('brief', undef, $id);
$bob->settle;
$bob->cut;
is($w->expect({ channel => 'slow' })->{value}, $base + 3, 'nor does losing it');
$bob = here('bob');
is($bob->spend('brief', undef, $id)->{outcome}, 'ok', 'it is ok');
is($w->settle->count({ channel => 'slow' }), 0, 'once');
