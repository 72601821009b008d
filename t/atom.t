# Atoms: their effects, and what a watcher gets.  PROTOCOL.md, 4.1.

use Test::Token;

my $t = Test::Token->new(conf => <<'EOC');
token_atom  switch   false;
token_atom  count    0;
token_atom  doc      '{"a": 1, "b": {"c": 2}}';
token_atom  any      '"none"';
token_atom  votes/*  0;
token_atom  votes/special/*  10;

token_service  toggle   { toggle switch; }
token_service  set      { set any; }
token_service  preset   { set any '{"by": "us"}'; }
token_service  add      { add count; }
token_service  inc      { add count 1; }
token_service  merge    { merge doc; }
token_service  put      { put any; }
token_service  clear    { delete any; }
token_service  vote     { add votes/$token_arg_item 1; }
token_service  unvote   { delete votes/$token_arg_item; }
token_service  both     { toggle switch; add count 1; }
token_service  wrong    { toggle count; }
token_service  addany   { add any; }

server {
    listen 127.0.0.1:%%PORT%%;

    location = /live {
        token_websocket;
        token_watch switch count doc any votes/*;
        token_allow toggle set preset add inc merge put clear vote unvote both
                    wrong addany;
    }
    location = /dumb { token_websocket; token_watch switch; }
}
EOC
$t->plan(72);

my $s = $t->connect;
my $w = $t->connect;


# watching what was never written

my $watching = $w->watch('switch');
is($watching->{kind}, 'atom', 'watching: kind');
is($watching->{epoch}, $w->hello->{epoch}, 'epoch');
is($watching->{recovered}, false, 'a first watch is not recovered');
ok(!exists $watching->{reset}, 'and says no reset');
is_deeply($w->expect({ type => 'atom', channel => 'switch' }),
    { type => 'atom', channel => 'switch', seq => 0, value => false },
    'the initial value, at seq 0');

$w->watch($_) for qw/ count doc any /;
is($w->expect({ channel => 'count' })->{value}, 0, 'initial number');
is_deeply($w->expect({ channel => 'doc' })->{value}, { a => 1, b => { c => 2 } },
    'initial object');
like($w->text, qr/"value":\{"a":1,"b":\{"c":2\}\}/, 'without white space');
is($w->expect({ channel => 'any' })->{value}, 'none', 'initial string');


# each effect

my $o = $s->spend('toggle');
is($o->{outcome}, 'ok', 'toggle');
is($o->{seq}, 1, 'is the first change');
my $m = $w->expect({ type => 'atom', channel => 'switch' });
is($m->{value}, true, 'watched');
is($m->{seq}, 1, 'with its seq');

is($s->spend('set', { x => [1, undef, "\x{20ac}\n"] })->{outcome}, 'ok', 'set');
is_deeply($w->expect({ channel => 'any' })->{value},
    { x => [1, undef, "\x{20ac}\n"] }, 'any JSON');

my $id = id();
$s->send_text(qq({"type":"token","id":"$id","service":"set",)
    . q("value": [ 1.0, 1e2, -0, 12345678901234567890, "\u00e9\/" ] }));
is($s->outcome($id)->{outcome}, 'ok', 'set of odd numbers');
$w->expect({ channel => 'any' });
like($w->text, qr("value":\[1\.0,1e2,-0,12345678901234567890,"\\u00e9\\/"\]),
    'come back as the JSON they were');

is($s->spend('preset', 'ignored')->{outcome}, 'ok', 'set of a constant');
is_deeply($w->expect({ channel => 'any' })->{value}, { by => 'us' },
    'from the configuration');

is($s->spend('inc')->{outcome}, 'ok', 'add of a constant');
is($w->expect({ channel => 'count' })->{value}, 1, 'counts');
is($s->spend('add', 41)->{outcome}, 'ok', 'add of the value');
is($w->expect({ channel => 'count' })->{value}, 42, 'counts');
is($s->spend('add', -2.5)->{outcome}, 'ok', 'add of a fraction');
is($w->expect({ channel => 'count' })->{value}, 39.5, 'counts');

is($s->spend('merge', { b => { c => undef, d => 3 }, e => 4 })->{outcome}, 'ok',
    'merge');
is_deeply($w->expect({ channel => 'doc' })->{value},
    { a => 1, b => { d => 3 }, e => 4 }, 'as RFC 7396 has it');

is($s->spend('clear')->{outcome}, 'ok', 'delete');
$m = $w->expect({ channel => 'any' });
is($m->{value}, 'none', 'a configured atom has its initial value again');
cmp_ok($m->{seq}, '>', 0, 'with a new version');

is($s->spend('both')->{outcome}, 'ok', 'two effects in one service');
is($w->expect({ channel => 'switch' })->{value}, false, 'the first');
is($w->expect({ channel => 'count' })->{value}, 40.5, 'and the second');


# compare and set

$o = $s->spend('put', { value => 'v1', version => $m->{seq} });
is($o->{outcome}, 'ok', 'put on the version that a delete has made');
my $version = $o->{seq};
is($w->expect({ channel => 'any' })->{seq}, $version, 'the version is the seq');

is($s->spend('put', { value => 'v2', version => $version })->{outcome}, 'ok',
    'put with the right version');
$o = $s->spend('put', { value => 'v3', version => $version });
is($o->{outcome}, 'rejected', 'put with an old version');
is($o->{error}{code}, 'version', 'says why');
$m = $w->expect({ channel => 'any' });
is($m->{value}, 'v2', 'has no effect');
is($o->{error}{version}, $m->{seq}, 'and tells the present version');

$o = $s->spend('put', { value => 'v4' });
is($o->{error}{code}, 'bad_value', 'put without a version');
$o = $s->spend('put', { value => 'v4', version => -1 });
is($o->{error}{code}, 'bad_value', 'put with no version at all');


# preconditions

is($s->spend('wrong')->{error}{code}, 'not_boolean', 'toggle of a number');
is($s->spend('add', 'x')->{error}{code}, 'not_number', 'add of a string');
is($s->spend('addany', 1)->{error}{code}, 'not_number', 'add to a string');
is($s->spend('add', 9007199254740991)->{outcome}, 'ok', 'add of 2^53 - 1');
$w->expect({ channel => 'count' });
$id = id();
$s->send_text(qq/{"type":"token","id":"$id","service":"set","value":/
    . qq/9007199254740991}/);
$s->outcome($id);
is($s->spend('addany', 1)->{error}{code}, 'number_range',
    'add beyond exact numbers');
$w->settle;
is($w->count({ channel => 'count' }), 0, 'what is rejected changes nothing');


# families

$watching = $w->watch('votes/*');
is($watching->{kind}, 'family', 'a family');
is($w->expect('synced')->{channel}, 'votes/*', 'is empty at first');

is($s->spend('vote', { item => 7 })->{outcome}, 'ok', 'add to a member');
$m = $w->expect({ channel => 'votes/7' });
is($m->{value}, 1, 'from the initial value');
is($m->{watch}, 'votes/*', 'names the watch');

$s->spend('vote', { item => 'special/x' });
is($w->expect({ channel => 'votes/special/x' })->{value}, 11,
    'the family with the longest name gives the initial value');

is($s->watch('votes/special/x')->{kind}, 'atom',
    'a member of both may be watched where one of them may');
is($s->expect({ channel => 'votes/special/x' })->{value}, 11, 'by itself');

$s->spend('vote', { item => "\x{20ac} a" });
is($w->expect({ channel => "votes/\x{20ac} a" })->{value}, 1, 'any UTF-8');

is($s->spend('vote', { item => '' })->{error}{code}, 'unknown_channel',
    'an empty name');
is($s->spend('vote', { item => "a\nb" })->{error}{code}, 'unknown_channel',
    'a name with control characters');
is($s->spend('vote', { item => 'x' x 300 })->{error}{code}, 'unknown_channel',
    'a name that is too long');
is($s->spend('vote', { item => '*' })->{error}{code}, 'unknown_channel',
    'a star is no name');
is($s->spend('vote', {})->{error}{code}, 'bad_value', 'no name at all');

my $late = $t->connect;
$late->watch('votes/*');
my $synced = $late->expect('synced');
is($late->count({ type => 'atom', watch => 'votes/*' }), 3,
    'a later watch begins with all members');
is($late->take({ channel => 'votes/7' })->{value}, 1, 'and their values');

$s->spend('unvote', { item => 7 });
is($late->expect({ channel => 'votes/7', deleted => true })->{watch}, 'votes/*',
    'a member is deleted');

$late->watch('votes/9');
is($late->expect({ channel => 'votes/9' })->{value}, 0,
    'one member may be watched by itself');
$s->spend('vote', { item => 9 });
$m = $late->expect(sub ($m) {
    ($m->{channel} // '') eq 'votes/9' && !$m->{watch} && $m->{seq};
});
is($m->{value}, 1, 'and tells of itself');


# resuming

my $cursor = $late->expect({ channel => 'votes/9', watch => 'votes/*' })->{seq};
$late->cut;
$s->spend('vote', { item => $_ }) for 8, 9;

my $again = $t->connect;
$watching = $again->watch('votes/*', epoch => $again->hello->{epoch},
    seq => $cursor);
is($watching->{recovered}, true, 'a family resumes from its cursor');
$again->expect({ channel => 'votes/9', value => 2 });
is($again->count({ watch => 'votes/*' }), 1, 'with what has changed only');

$s->watch('switch');
my $now = $s->expect({ channel => 'switch' });
$again->watch('switch', epoch => $again->hello->{epoch}, seq => $now->{seq});
$again->settle;
is($again->count({ channel => 'switch' }), 0,
    'an atom that has not changed is not sent again');

$watching = $again->watch('count', epoch => 'f' x 32, seq => 1);
is($watching->{recovered}, false, 'a cursor of another store');
is($watching->{reset}, 'epoch', 'is reset');
