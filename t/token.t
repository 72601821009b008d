# Tokens: once, all or nothing, change before ok.  PROTOCOL.md, 5 to 7; G1, G3.

use Test::Token;

my $t = Test::Token->new(workers => 2, main => "thread_pool token threads=8;\n",
    conf => <<'EOC');
token_atom  switch  false;
token_atom  count   0;
token_atom  text    '""';
token_log   chat;

token_service  toggle  { toggle switch; }
token_service  add     { add count; }
token_service  text    { set text; }
token_service  send    { append chat; }
token_service  wrong   { toggle text; }
token_service  hidden  { toggle switch; }
token_service  mine    { require_user; add count 1; }
token_service  small   { max_size 20; set text; }
token_service  slow    { delay 500ms; add count 100; }
token_service  nothing { }

server {
    listen 127.0.0.1:%%PORT%%;
    add_header   X-Worker $pid always;
    token_watch  switch count text chat;
    token_allow  toggle add text send wrong mine small slow nothing;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
    location = /none { token_websocket; token_allow nothing; token_watch chat; }
}
EOC
$t->write_file(users => "alice:{PLAIN}\nbob:{PLAIN}\n");
$t->plan(73);

my $s = $t->connect;
my $w = $t->connect;
$w->watch($_) for qw/ switch count text chat /;
$w->settle;
$w->drain('atom');


# once

my $id = $s->token('add', 1);
my $first = $s->outcome($id);
is($first->{outcome}, 'ok', 'a token is ok');
is($w->expect({ channel => 'count' })->{value}, 1, 'and has its effect');

my $second = $s->outcome($s->token('add', 1, $id));
is($second->{outcome}, 'ok', 'the same again is ok');
is($second->{seq}, $first->{seq}, 'with the same seq');

my $other = $t->connect;
is($other->outcome($other->token('add', 1, $id))->{seq}, $first->{seq},
    'from another session, too');
$w->settle;
is($w->count({ channel => 'count' }), 0, 'and has no second effect');

$id = id();
$s->token('add', 1, $id) for 1 .. 5;
is($s->outcome($id)->{outcome}, 'ok', 'five times at once: an answer');
$w->settle;
is($w->expect({ channel => 'count', value => 2 })->{value}, 2, 'and one effect');
$s->settle;
$w->settle;
is($w->count({ channel => 'count' }), 0, 'one only');

my $o = $s->outcome($s->token('add', 2, $id));
is($o->{outcome}, 'rejected', 'the same id with another value');
is($o->{error}{code}, 'id_reused', 'is told so');
$o = $s->outcome($s->token('toggle', 1, $id));
is($o->{error}{code}, 'id_reused', 'and with another service');
is($s->outcome($s->token('add', 1, $id))->{outcome}, 'ok',
    'the right one is still ok');

$id = $s->token('wrong');
is($s->outcome($id)->{error}{code}, 'not_boolean', 'a rejected token');
$s->spend('text', 'x');
is($s->outcome($s->token('wrong', undef, $id))->{error}{code}, 'not_boolean',
    'stays rejected');

$id = uc id();
is($s->outcome($s->token('add', 0, $id) && lc $id)->{outcome}, 'ok',
    'ids have no case');


# whose

my $alice = $t->connect('/user', user => 'alice');
my $bob = $t->connect('/user', user => 'bob');
$id = $alice->token('add', 1);
is($alice->outcome($id)->{outcome}, 'ok', 'a token of alice');
is($bob->outcome($bob->token('add', 1, $id))->{error}{code}, 'id_reused',
    'is not bob\'s');
is($alice->outcome($alice->token('add', 1, $id))->{outcome}, 'ok',
    'but hers');


# the time in an id

$o = $s->outcome($s->token('add', 1, id(30 * 86400)));
is($o->{outcome}, 'rejected', 'an id of a month ago');
is($o->{error}{code}, 'id_expired', 'is refused');
$o = $s->outcome($s->token('add', 1, id(-3600)));
is($o->{error}{code}, 'id_future', 'an id of the next hour, too');
is($s->outcome($s->token('add', 0, id(3600)))->{outcome}, 'ok',
    'an hour ago is fine');
is($s->outcome($s->token('add', 0, id(-60)))->{outcome}, 'ok',
    'a minute ahead is fine');


# refused before anything is run

is($s->spend('nope')->{error}{code}, 'unknown_service', 'an unknown service');
is($s->spend('hidden')->{error}{code}, 'unknown_service',
    'a service that is not allowed here');
my $none = $t->connect('/none');
is($none->spend('add', 1)->{error}{code}, 'unknown_service', 'nor there');
is($none->spend('nothing')->{outcome}, 'ok', 'a service without effects');

$o = $s->spend('mine');
is($o->{outcome}, 'rejected', 'an anonymous session');
is($o->{error}{code}, 'user_required', 'where a user is required');
is($alice->spend('mine')->{outcome}, 'ok', 'a user');

is($s->spend('small', 'x' x 18)->{outcome}, 'ok', 'max_size: just fits');
$o = $s->spend('small', 'x' x 19);
is($o->{outcome}, 'rejected', 'too large');
is($o->{error}{code}, 'too_large', 'is told so');
ok(length $o->{error}{message}, 'in words');

is($s->spend('add')->{error}{code}, 'not_number', 'null is no number');
ok($s->is_open, 'none of it closes the session');


# all or nothing

sub several ($s, @requests) {
    my $id = id();
    $s->send({ type => 'token', id => $id, requests => \@requests });
    return $s->outcome($id);
}

$w->settle;
$w->drain('atom');
$o = several($s, { service => 'toggle' }, { service => 'add', value => 5 },
    { service => 'send', value => 'three' });
is($o->{outcome}, 'ok', 'three requests in one token');
is($w->expect({ channel => 'switch' })->{type}, 'atom', 'the first');
is($w->expect({ channel => 'count' })->{type}, 'atom', 'the second');
is($w->expect('record')->{seq}, $o->{seq}, 'the third has the last seq');

$o = several($s, { service => 'toggle' }, { service => 'wrong' });
is($o->{outcome}, 'rejected', 'the second of two fails');
is($o->{error}{code}, 'not_boolean', 'and says why');
$o = several($s, { service => 'toggle' }, { service => 'hidden' });
is($o->{error}{code}, 'unknown_service', 'the second is not allowed');
$w->settle;
is($w->count('atom'), 0, 'the first has no effect');

$o = several($s, { service => 'text', value => 'a' },
    { service => 'text', value => 'b' });
is($w->expect({ channel => 'text', value => 'b' })->{seq}, $o->{seq},
    'a later one sees the one before');

$id = id();
$s->send({ type => 'token', id => $id, requests => [] });
is($s->expect('error')->{code}, 'bad_message', 'no request at all');
$s->send({ type => 'token', id => $id,
    requests => [ ({ service => 'nothing' }) x 17 ] });
is($s->expect('error')->{code}, 'bad_message', 'too many requests');


# change before ok

$s->watch($_) for qw/ switch count text chat /;
$s->settle;
$s->drain($_) for qw/ atom record outcome /;

my $late = 0;
for my $n (1 .. 30) {
    $id = $s->token('send', $n);
    $s->expect(sub ($m) {
        return 1 if $m->{type} eq 'record' && $m->{token} eq $id;
        $late++ if $m->{type} eq 'outcome';
        return 0;
    });
    $s->outcome($id);
}
is($late, 0, 'thirty times: the record comes before its ok');

my @ids = map { $s->token('send', $_) } 1 .. 30;
my (%seen, @early);
for (1 .. 60) {
    my $m = $s->expect(sub ($m) { $m->{type} =~ /^(?:record|outcome)$/ });
    $seen{ $m->{token} } = 1 if $m->{type} eq 'record';
    push @early, $m->{id} if $m->{type} eq 'outcome' && !$seen{ $m->{id} };
}
is(scalar @early, 0, 'thirty at once, too');
is(scalar(grep { !$seen{$_} } @ids), 0, 'and none is lost');

$o = $s->spend('toggle');
is($s->count({ channel => 'switch', seq => $o->{seq} }), 1,
    'an atom comes before its ok');


# cancel

$w->settle;
$w->drain('atom');

$id = $s->token('slow');
$s->send({ type => 'cancel', id => $id });
$o = $s->outcome($id);
is($o->{outcome}, 'superseded', 'a token cancelled in time');
is($s->outcome($s->token('slow', undef, $id))->{outcome}, 'superseded',
    'stays cancelled');
$id = $s->token('slow');
is($s->outcome($id)->{outcome}, 'ok', 'one that is not is ok');
$w->expect({ channel => 'count' });
$w->settle;
is($w->count({ channel => 'count' }), 0, 'only the latter has an effect');

$s->send({ type => 'cancel', id => $id });
$s->send({ type => 'cancel', id => id() });
$s->settle;
is($s->count({ type => 'outcome', id => $id }) + $s->count('error'), 0,
    'a late cancel, and one of nothing, are ignored');
is($s->outcome($s->token('slow', undef, $id))->{outcome}, 'ok',
    'the late one has changed nothing');


# resume

$id = $s->token('slow');
my $done = $s->token('add', 0);
my $rejected = $s->token('wrong');
$s->outcome($_) for $done, $rejected;
$s->cut;

my $new = $t->connect;
my $never = id();
$new->send({ type => 'resume', ids => [ $done, $rejected, $never ] });
is($new->outcome($done)->{outcome}, 'ok', 'resume: the outcome of a token');
is($new->outcome($rejected)->{outcome}, 'rejected', 'rejected ones, too');
is($new->outcome($never)->{outcome}, 'unknown', 'one that was never seen');
is($new->outcome($new->token('slow', undef, $id))->{outcome}, 'ok',
    'what was under way when the connection broke is ok');
$new->send({ type => 'resume', ids => [$id] });
is($new->outcome($id)->{outcome}, 'ok', 'and stays so');

$new->send({ type => 'resume', ids => [] });
$new->settle;
is($new->count('outcome'), 0, 'resume of nothing');
$new->send({ type => 'resume', ids => ['x'] });
is($new->expect('error')->{code}, 'bad_message', 'resume of what is no id');
$new->send({ type => 'resume', ids => [ map { id() } 1 .. 257 ] });
is($new->expect('error')->{code}, 'bad_message', 'resume of too many');

# (a session of the same worker sees that it runs)
my @same = map { $t->connect } 1 .. 12;
my ($mate) = grep { $_->worker eq $new->worker } @same;
$id = $new->token('slow');
$new->settle;
$mate->send({ type => 'resume', ids => [$id] });
is($mate->outcome($id)->{outcome}, 'running', 'resume of a running token');
is($mate->outcome($id)->{outcome}, 'ok', 'its outcome follows');
is($new->outcome($id)->{outcome}, 'ok', 'and comes to who sent it');

my ($elsewhere) = grep { $_->worker ne $new->worker } @same;
$id = $new->token('slow');
$elsewhere->token('slow', undef, $id);
is($elsewhere->outcome($id)->{outcome}, 'ok',
    'sent to two workers at once: ok here');
is($new->outcome($id)->{outcome}, 'ok', 'and ok there');

my $final = $t->connect;
$final->watch('count');
is($final->expect({ channel => 'count' })->{value}, 409,
    'over all of this, every effect was made once');
is($new->count('error'), 0, 'without an error');
