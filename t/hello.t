# The first message, messages that cannot be read, heartbeat: PROTOCOL.md, 2,
# 3, 8, 9.

use Test::Token;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(conf => <<'EOC');
token_atom  switch  false;
token_atom  light   '"green"';
token_atom  votes/* 0;

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch switch votes/*;

    location = /live { token_websocket; }
    location = /limits {
        token_websocket;
        token_heartbeat 1s;
        token_max_message 1k;
        token_max_inflight 3;
        token_max_watches 2;
    }
}
EOC
$t->plan(44);

my $s = $t->connect;
my $hello = $s->hello;

is($hello->{protocol}, 'token.v1', 'hello: protocol');
like($hello->{session}, qr/^[0-9a-f]{16}$/, 'session');
like($hello->{epoch}, qr/^[0-9a-f]{32}$/, 'epoch');
is($hello->{seq}, 0, 'seq of a new store');
ok(exists $hello->{user} && !defined $hello->{user}, 'user is null');
cmp_ok(abs($hello->{time} - time * 1000), '<', 5000, 'time is in ms');
cmp_ok($hello->{heartbeat}, '>', 1000, 'heartbeat');
cmp_ok($hello->{ledger}, '>=', 60000, 'ledger');
is($hello->{limits}{message}, 65536, 'limit of a message');
cmp_ok($hello->{limits}{$_}, '>', 0, "limit: $_")
    for qw/ depth inflight watches /;

my $other = $t->connect;
is($other->hello->{epoch}, $hello->{epoch}, 'another session: same epoch');
isnt($other->hello->{session}, $hello->{session}, 'another session id');


# messages that cannot be read are answered, and hurt nothing

sub error_of ($text) {
    $s->send_text($text);
    return $s->expect('error')->{code} // 'none';
}

is(error_of('{'), 'bad_json', 'half an object');
is(error_of('nonsense'), 'bad_json', 'not JSON');
is(error_of('{"type":"ping"} x'), 'bad_json', 'something behind it');
is(error_of('[1]'), 'bad_message', 'an array');
is(error_of('"ping"'), 'bad_message', 'a string');
is(error_of('{}'), 'bad_message', 'no type');
is(error_of('{"type":7}'), 'bad_message', 'a type that is no string');
is(error_of('{"type":"dance"}'), 'unknown_type', 'an unknown type');
is(error_of('{"type":"watch"}'), 'bad_message', 'a watch of nothing');
is(error_of('{"type":"token","id":"x","service":"y"}'), 'bad_message',
    'an id that is no UUIDv7');
is(error_of('{"type":"ping","x":' . '[' x 200 . ']' x 200 . '}'), 'bad_json',
    'nested too deeply');
is(error_of('{"type":"watch","channel":"nope"}'), 'unknown_channel',
    'an unknown channel');
is(error_of('{"type":"watch","channel":"light"}'), 'unknown_channel',
    'a channel that is not allowed here');

$s->send({ type => 'watch', channel => 'nope' });
is($s->expect('error')->{channel}, 'nope', 'an error names the channel');

my $id = id();
$s->send({ type => 'token', id => $id });
is($s->expect('error')->{id}, $id, 'an error names the token');

$s->send({ type => 'ping', extra => { a => 1 } });
is($s->expect('pong')->{type}, 'pong', 'unknown members are ignored');

$s->send_text(qq/{"type":"ping"}\n{"type":"dance"}\n{"type":"ping"}/);
is($s->expect(sub { 1 })->{type}, 'pong', 'several messages in a frame');
is($s->expect(sub { 1 })->{code}, 'unknown_type', 'are answered in order');
is($s->expect(sub { 1 })->{type}, 'pong', 'each of them');

$s->send_text(qq/ {"type" :\t"ping" } /);
is($s->expect('pong')->{type}, 'pong', 'white space between tokens');

is($s->ping('are you there'), 'are you there', 'a ping frame is answered');
is($s->close(1000), 1000, 'the client closes');

$other->send_binary('{"type":"ping"}');
is($other->closed, 1003, 'a binary message closes with 1003');


# limits

my $l = $t->connect('/limits');
is($l->hello->{limits}{message}, 1024, 'configured limit of a message');
is($l->hello->{limits}{inflight}, 3, 'of tokens in flight');
is($l->hello->{heartbeat}, 1000, 'configured heartbeat');

$l->watch('switch');
$l->watch('votes/1');
is($l->watch('votes/2')->{code}, 'too_many_watches', 'one watch too many');

my $start = time;
is($l->expect('ping')->{type}, 'ping', 'an idle server sends a ping');
is($l->closed, 4012, 'and closes when nothing is heard');
cmp_ok(time - $start, '<', 5, 'in time');
