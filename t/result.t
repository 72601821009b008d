# $token_result: effects of what a backend or a handler has given.  README.md,
# "Arguments"; DESIGN.md, G1.

use Test::Token;
use Test::Token::Backend;
use Test::Token::Handler;
use Mojo::JSON qw/ decode_json /;

my $answer;
my $backend = Test::Token::Backend->new(sub ($call) { $answer->($call) });

my $conf = <<'EOC';
token_thread_pool  token  max_tasks=3;

token_atom  count     0;
token_atom  seen      null;
token_atom  orders/*  null;
token_log   sales;

token_service  count  { add count 1; }
token_service  buy    {
    pass /internal/buy;
    add count 1;
    set seen $token_result_left;
    append sales '{"order": $token_result_id, "n": $token_arg_n,
        "text": "no. $token_result_id of $token_user from $arg_from",
        "at": $count_of}';
    set orders/$token_result_id $token_result;
    add count 1;
}
token_service  put    { pass /internal/buy; put seen $token_result $token_result_v; }
token_service  stamp  { handler test_pure; set seen $token_result; }
token_service  work   { handler test; set seen $token_result_user; }
token_service  bare   { handler test; set seen $token_result; }
token_service  many   { pass /internal/buy; MANY }
token_service  thirty { THIRTY }

server {
    listen 127.0.0.1:%%PORT%%;
    token_allow count buy put stamp work bare many thirty;
    token_watch count seen orders/* sales;
    set $count_of x$arg_from;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
    location = /internal/buy {
        internal;
        proxy_pass http://127.0.0.1:BACKEND;
    }
    location /state/ { token_resource; }
}
EOC
$conf =~ s/BACKEND/$backend->port/e;
$conf =~ s/MANY/'set seen $token_result; ' x 40/e;
$conf =~ s/THIRTY/'add count 1; ' x 30/e;

my $t = Test::Token->new(conf => $conf,
    main => load() . "thread_pool token threads=4;\n");
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(44);

sub state_of ($name) { return $t->get("/state/$name")->body }

my $s = $t->connect('/user?from=here', user => 'alice');
my $w = $t->connect;
$w->watch('sales');


# what was answered is in the effects, each in its place

$answer = sub ($c) { (200, '{"id": "a7", "left": 3, "more": [1,  2.50]}') };
my $id = id();
my $o = $s->spend('buy', { n => 2 }, $id);
is($o->{outcome}, 'ok', 'ok');
is_deeply($o->{result}, { id => 'a7', left => 3, more => [ 1, 2.5 ] },
    'with its result');
my $m = $w->expect('record');
is_deeply($m->{value}, { order => 'a7', n => 2,
    text => 'no. a7 of alice from here', at => 'xhere' },
    'members of the result, the value, and variables of the handshake');
is("$m->{user} $m->{token}", "alice $id", 'by user and token');
is(state_of('seen'), '3', 'a number');
is(state_of('orders/a7'), '{"id":"a7","left":3,"more":[1,2.50]}',
    'the whole, under a name of its own');
is(state_of('count'), '2', 'the other effects, too');
is(decode_json($t->get('/state/sales?last=1')->body)->[0]{seq}, $o->{seq} - 2,
    'in their order');
is_deeply($s->spend('buy', { n => 2 }, $id), $o, 'again: from the ledger');
is($backend->calls, 1, 'and not called again');


# what does not do is a failure, and changes nothing

my $n = $backend->calls;
for my $case (
    [ 'a member is missing', 200, '{"id": "b"}' ],
    [ 'no object', 200, '[1]' ],
    [ 'no JSON', 200, 'bought' ],
    [ 'no body', 204, '' ],
    [ 'a name that cannot be', 200, '{"id": "a\\nb", "left": 1}' ],
    [ 'a member that is no text', 200, '{"id": {}, "left": 1}' ],
) {
    my ($name, @answer) = @$case;
    $answer = sub ($c) { @answer };
    $o = $s->spend('buy', { n => 1 }, $id = id());
    is($o->{outcome}, 'failed', "$name: failed");
    is($o->{error}{code}, 'service_failed', 'with its code');
}
ok($t->wait_log(qr/\[error\].*the result for the service "buy" does not do for its effects: the value has no usable member "left"/),
    'the log tells why');
is(state_of('count') . state_of('seen'), '23', 'nothing has changed');

$answer = sub ($c) { (200, '{"id": "c", "left": 2}') };
is($s->spend('buy', { n => 1 }, $id)->{outcome}, 'ok', 'the same token again');
is($backend->call($n + 7)->{headers}{'idempotency-key'}, $id,
    'is the same call');

$answer = sub ($c) { (409, '{"id": "d", "left": 9}') };
$o = $s->spend('buy', { n => 1 });
is($o->{outcome}, 'rejected', 'a no');
is($o->{result}{id}, 'd', 'has its result');
is(state_of('seen'), '2', 'and no effects');


# with others, and without the session

$answer = sub ($c) { (200, '{"id": "e", "left": 1}') };
$id = id();
$s->send({ type => 'token', id => $id, requests => [
    { service => 'count' }, { service => 'buy', value => { n => 5 } },
    { service => 'count' } ] });
is($s->outcome($id)->{outcome}, 'ok', 'one of several requests');
is(state_of('count'), '8', 'all of them');

my $call;
$answer = sub ($c) { $call = $c; return };
my $gone = $t->connect('/user?from=away', user => 'alice');
$gone->token('buy', { n => 6 });
wait_for(sub { $call });
$gone->cut;
wait_for(sub { $t->log =~ /token session \w+ of "alice" ended/ });
Test::Token::Backend::reply($call, 200, '{"id": "f", "left": 0}');
$m = $w->expect(sub ($m) { ($m->{value}{order} // '') eq 'f' });
is($m->{value}{text}, 'no. f of alice from away',
    'a session that has gone is remembered');

$answer = sub ($c) { (200, '{"v": 1, "x": 2}') };
is($s->spend('put')->{error}{code}, 'version', 'a version of the result');


# a handler

is($s->spend('stamp', { do => 'who' })->{outcome}, 'ok', 'of a pure handler');
is(decode_json(state_of('seen'))->{user}, 'alice', 'its result');
is($s->spend('work', { do => 'who' })->{outcome}, 'ok', 'of any other');
is(state_of('seen'), '"alice"', 'its result');

is($s->spend('bare', { do => 'sleep', ms => 1 })->{outcome}, 'failed',
    'one that gives none');


# how many there may be

$answer = sub ($c) { (200, '1') };
is($s->spend('many')->{outcome}, 'ok', '40 effects');
$n = $backend->calls;
$s->send({ type => 'token', id => $id = id(), requests => [
    { service => 'many' }, { service => 'thirty' } ] });
is($s->outcome($id)->{error}{code}, 'too_large', '70 effects');
is($backend->calls, $n, 'nobody is called for them');


# and how many at a time

my @calls;
$answer = sub ($c) { push @calls, $c; return };
$s->token('put') for 1 .. 3;
wait_for(sub { @calls == 3 });
is($s->spend('put')->{outcome}, 'busy', 'more calls than max_tasks: busy');
Test::Token::Backend::reply($calls[0], 409, '{}');
is($s->outcome($calls[0]{headers}{'idempotency-key'})->{outcome}, 'rejected',
    'one has ended');
$s->token('put');
ok(wait_for(sub { @calls == 4 }), 'another may begin');
Test::Token::Backend::reply($_, 409, '{}') for @calls[1 .. 3];
