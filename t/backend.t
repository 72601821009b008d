# Services whose work a backend does, behind an internal location: DESIGN.md,
# G11; PROTOCOL.md, 5.

use Test::Token;
use Test::Token::Backend;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my %answer;
my $backend = Test::Token::Backend->new(sub ($call) {
    return ($answer{ $call->{path} } // sub { (200, q({"n":1})) })->($call);
});

my $conf = <<'EOC';
token_atom  count  0;
token_log   sales;

token_service  count  { add count 1; }
token_service  buy    { pass /internal/buy; timeout 1s; idempotent;
                        append sales; }
token_service  ask    { pass /internal/ask?x=1; timeout 5s; add count 1; }
token_service  slow   { pass /internal/slow; timeout 20s; append sales; }
token_service  down   { pass /internal/down; append sales; }
token_service  none   { pass /internal/none; append sales; }
token_service  static { pass /internal/static; append sales; }
token_service  large  { pass /internal/large; append sales; }

upstream kept {
    server 127.0.0.1:BACKEND;
}

server {
    listen 127.0.0.1:%%PORT%%;
    add_header X-Worker $pid always;
    token_allow buy ask slow down none static large count;
    token_watch sales count;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }

    location /internal/ {
        internal;
        proxy_pass http://kept;
    }
    location = /internal/down   { internal; proxy_pass http://127.0.0.1:1; }
    location = /internal/static { internal; return 200 '{"a": [1,  2.50]}'; }
    location = /internal/large  {
        internal;
        proxy_pass http://kept;
        subrequest_output_buffer_size 1k;
    }
}
EOC

my $t = Test::Token->new(main => "thread_pool token threads=8;\n",
    conf => $conf =~ s!BACKEND!$backend->port!er);
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(64);

my $s = $t->connect('/user', user => 'alice');
my $w = $t->connect;
$w->watch('sales');
$w->watch('count');
$w->expect({ channel => 'count' });


# a call, and its answer

my $id = id();
$answer{'/internal/buy'} = sub ($c) {
    return (200, qq/{ "order":\n12.50, "b":"\\u00e9" }/);
};
my $o = $s->spend('buy', { item => 7 }, $id);
is($o->{outcome}, 'ok', '2xx: ok');
like($s->text, qr/"result":\{"order":12\.50,"b":"\\u00e9"\}/,
    "the backend's JSON is the result, as it was");

my $call = $backend->call(1);
is($call->{method}, 'POST', 'the call is a POST');
is($call->{path}, '/internal/buy', 'to the location');
is($call->{body}, '{"item":7}', "with the token's value");
my $h = $call->{headers};
is($h->{'content-type'}, 'application/json', 'Content-Type');
is($h->{'content-length'}, 10, 'Content-Length');
is($h->{'idempotency-key'}, $id, 'Idempotency-Key is the id');
is($h->{'x-token-service'}, 'buy', 'X-Token-Service');
is($h->{'x-token-user'}, 'alice', 'X-Token-User');
is($h->{$_}, undef, "no $_ of the handshake")
    for qw/ authorization upgrade sec-websocket-key /;

my $m = $w->expect('record');
is($m->{seq}, $o->{seq}, 'the effect is committed');
is($m->{user}, 'alice', 'by that user');

my $again = $s->spend('buy', { item => 7 }, $id);
is_deeply($again, $o, 'sent again: answered from the ledger');
is($backend->calls, 1, 'and not called again');
$s->send({ type => 'resume', ids => [$id] });
is_deeply($s->outcome($id), $o, 'on resume, too');

$o = $w->spend('ask');
is($o->{outcome}, 'ok', 'an anonymous token without a value');
$call = $backend->call(2);
is($call->{path}, '/internal/ask?x=1', 'arguments of the location');
is($call->{body}, 'null', 'absent means null');
is($call->{headers}{'x-token-user'}, undef, 'no X-Token-User');
is_deeply($o->{result}, { n => 1 }, 'the result');
is($w->expect({ channel => 'count' })->{value}, 1, 'and the effect');

is($w->spend('static')->{outcome}, 'ok', 'nginx itself may answer');
like($w->text, qr/"result":\{"a":\[1,2\.50\]\}/, 'with a result');
$w->expect('record');


# no

$answer{'/internal/buy'} = sub ($c) { (409, '{"code":"sold_out"}') };
$id = id();
$o = $s->spend('buy', 1, $id);
is($o->{outcome}, 'rejected', '409: rejected');
is($o->{error}{code}, 'service_rejected', 'service_rejected');
is($w->settle->count('record'), 0, 'no effect');
my $n = $backend->calls;
is_deeply($s->spend('buy', 1, $id), $o, 'that is final');
is($backend->calls, $n, 'it is not called again');


# failed, and retried

my @answers = ([500, '{"a":1}'], [429, ''], [201, 'no json']);
$answer{'/internal/buy'} = sub ($c) { (shift @answers)->@* };
$id = id();
$o = $s->spend('buy', 2, $id);
is($o->{outcome}, 'failed', '500: failed');
is($o->{error}{code}, 'service_failed', 'service_failed');
ok(!exists $o->{result}, 'without a result');
is($s->spend('buy', 2, $id)->{outcome}, 'failed', '429, on retry: failed');
is($s->spend('buy', 3, $id)->{error}{code}, 'id_reused',
    'another request with that id is refused');
$o = $s->spend('buy', 2, $id);
is($o->{outcome}, 'ok', '201: the retry succeeds');
ok(!exists $o->{result}, 'a body that is not JSON is no result');
is($backend->calls, $n + 3, 'each retry was a call');
is($backend->call($n + 3)->{headers}{'idempotency-key'}, $id,
    'with the same key');
is($w->expect('record')->{token}, $id, 'the effect, now');
is($w->settle->count('record'), 0, 'once');


# time is up

$answer{'/internal/buy'} = sub ($c) { };
$id = id();
my $start = time;
$s->token('buy', 4, $id);
$call = $backend->call($n + 4);
$o = $s->outcome($id);
is($o->{error}{code}, 'timeout', 'no answer in time: timeout');
is($o->{outcome}, 'failed', 'failed');
cmp_ok(time - $start, '<', 3, 'in time');
ok(wait_for(sub { $call->{closed} }, 3), 'the connection is closed');
$answer{'/internal/buy'} = sub ($c) { (200, '') };
is($s->spend('buy', 4, $id)->{outcome}, 'ok', 'and a retry is ok');
$w->expect('record');


# what a backend should not do

is($s->spend('down')->{error}{code}, 'service_failed', 'nobody listens: 502');
$answer{'/internal/large'} = sub ($c) { (200, '"' . 'x' x 5000 . '"') };
$o = $s->spend('large');
is($o->{outcome}, 'failed', 'an answer that is too large');
$answer{'/internal/none'} = sub ($c) { $c->{stream}->close; () };
is($s->spend('none')->{outcome}, 'failed', 'closed without an answer');
$answer{'/internal/none'} = sub ($c) { (302, '') };
is($s->spend('none')->{outcome}, 'rejected', 'a redirect is not followed');
is($w->settle->count('record'), 0, 'none of these had an effect');
is($s->spend('count')->{outcome}, 'ok', 'the session goes on');
$t->{allow} = qr/larger than|Connection refused/;


# many at once; a client that leaves

$n = $backend->calls;
$answer{'/internal/slow'} = sub ($c) { };
my @ids = map { $s->token('slow', $_) } 1 .. 8;
$backend->call($n + 8);
is($s->spend('count')->{outcome}, 'ok', 'other tokens go on beside 8 calls');
$s->send({ type => 'resume', ids => [$ids[0]] });
is($s->outcome($ids[0])->{outcome}, 'running', 'resume: running');
is($s->settle->count('outcome'), 0, 'none has an outcome');

$s->cut;
Test::Token::Backend::reply($backend->call($n + $_), 200, $_) for 1 .. 8;
my %by = map { $_ => 1 } @ids;
ok((8 == grep { $by{ $w->expect('record')->{token} // '' } } 1 .. 8),
    'a client that is gone: the effects are committed');
$s = $t->connect('/user', user => 'alice');
$s->send({ type => 'resume', ids => \@ids });
is((grep { $s->outcome($_)->{outcome} eq 'ok' } @ids), 8,
    'and are answered on resume');


# a reload while a call is under way

$n = $backend->calls;
$id = $s->token('slow', 'r');
$call = $backend->call($n + 1);
$t->reload;
is(off_worker($t, $s->worker)->spend('count')->{outcome}, 'ok',
    'the new worker serves');
ok($s->is_open, 'the session with a token is kept');
Test::Token::Backend::reply($call, 200, '{"r":true}');
$o = $s->outcome($id);
is_deeply($o->{result}, { r => true }, 'its outcome comes');
is(scalar $s->closed, 1012, 'and then the close');
is($backend->calls, $n + 1, 'one call');

$o = $t->connect('/user', user => 'alice')->spend('slow', 'r', $id);
is_deeply($o->{result}, { r => true }, 'the next worker knows the outcome');
