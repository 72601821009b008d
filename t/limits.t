# Limits that last as long as a session: rate, sessions by a key, time, and
# messages that never end.

use Test::Token;

my $t = Test::Token->new(workers => 2, conf => <<'EOC');
token_atom  a  0;
token_service  add  { add a 1; }

map $arg_anonymous $realm { default "x"; 1 off; }
log_format user "$uri $status user=$token_user";

server {
    listen 127.0.0.1:%%PORT%%;
    add_header   X-Worker $pid always;
    access_log   %%DIR%%/logs/user.log user;
    token_watch  a;
    token_allow  add;

    location = /live  { token_websocket; }
    location = /few   { token_websocket; token_limit_sessions $arg_key 3; }
    location = /mine  {
        auth_basic $realm; auth_basic_user_file %%DIR%%/users;
        token_websocket; token_limit_sessions $token_user 2;
    }
    location = /rate  { token_websocket; token_rate 20r/s burst=5; }
    location = /deep  { token_websocket; token_max_depth 4; }
    location = /short { token_websocket; token_session_time 1s; }
    location = /beat  { token_websocket; token_heartbeat 1s; }
}
EOC
$t->write_file(users => "alice:{PLAIN}\nbob:{PLAIN}\n");
$t->plan(28);


# sessions by a key, over both workers

my @s = map { $t->connect('/few?key=x') } 1 .. 3;
is(scalar(grep { $_->isa('Test::Token::Session') } @s), 3, 'three sessions');

# one that comes to the other worker at the same moment may still get in
my @more;
ok(wait_for(sub {
    push @more, $t->connect('/few?key=x');
    $more[-1]->isa('Mojo::Message::Response');
}), 'no fourth one');
pop @more;
$_->{tx}->finish(1000) for @more;

is($t->connect('/few?key=x')->code, 503, 'is told so');
ok($t->connect('/few?key=y')->is_open, 'another key');
ok($t->connect('/few')->is_open, 'without a key nothing is counted');
ok($_->is_open, 'it disturbs nobody') for @s;

$s[0]->{tx}->finish(1000);
my $next;
ok(wait_for(sub {
    $next = $t->connect('/few?key=x');
    $next->isa('Test::Token::Session');
}), 'a place that was given back');


# sessions by user: who was verified, not who is claimed

@s = map { $t->connect('/mine', user => 'alice') } 1 .. 2;
is($s[1]->hello->{user}, 'alice', 'two sessions of a user');
ok(wait_for(sub {
    $t->connect('/mine', user => 'alice')->isa('Mojo::Message::Response');
}), 'no third one');
is($t->connect('/mine', user => 'alice')->code, 503, 'is told so');
ok($t->connect('/mine', user => 'bob')->is_open, 'another user');
push @s, map { $t->connect('/mine?anonymous=1', user => 'alice') } 1 .. 3;
is(scalar(grep { $_->can('hello') && !defined $_->hello->{user} } @s), 3,
    'a name that nobody checked is not counted');
ok($t->wait_log(qr/too many sessions with one key/), 'the log has it');
unlike($t->log, qr/too many.*(?:alice|key=x).*, client/, 'without the key');
my $users = $t->read_file('logs/user.log');
ok($users =~ m!^/mine 101 user=alice$!m && $users =~ m!^/mine 101 user=-$!m,
    'the access log can have the user');


# the rate: what is too much is not read, and nobody is cut off

my $r = $t->connect('/rate');
my $start = time;
$r->send(map { { type => 'ping' } } 1 .. 25);
$r->expect('pong') for 1 .. 25;
my $id = $r->token('add');
is($r->outcome($id)->{outcome}, 'ok', 'a token after a flood');
cmp_ok(time - $start, '>=', 0.9, 'had to wait for its turn');
ok($r->is_open, 'and the session goes on');

$start = time;
$r->send({ type => 'ping' });
ok($r->expect('pong'), 'a moment later it is answered');


# depth: the message is one level, the value another

my $d = $t->connect('/deep');
is($d->spend('add', [ [ [ 1 ] ] ])->{outcome}, 'ok', 'four levels');
$d->send({ type => 'token', id => id(), service => 'add',
    value => [ [ [ [ 1 ] ] ] ] });
is($d->expect('error')->{code}, 'bad_json', 'a fifth one');
$d->send_text('[' x 60000);
is($d->expect('error')->{code}, 'bad_json', 'and 60,000 of them');
ok($d->settle->is_open, 'the session goes on');


# time

my $short = $t->connect('/short');
is($short->closed, 4014, 'a session whose time is over');
my $live = $t->connect('/live');
ok($live->is_open, 'others have all the time they want');


# a byte now and then is no sign of life

my $slow = $t->raw;
$slow->handshake('/beat', 'Sec-WebSocket-Protocol' => 'token.v1');
my $bytes = Test::Token::Raw::frame(Test::Token::Raw::TEXT,
    '{"type":"ping","x":"' . 'x' x 40 . '"}');
my ($sent, $code) = (0);
$start = time;
until (defined $code || time - $start > 14) {
    $slow->write(substr $bytes, $sent++, 1) if $sent < length($bytes) - 1;
    $slow->fill(0.3);
    while (my $frame = $slow->parse_frame) {
        $code = unpack 'n', $frame->{payload}
            if $frame->{opcode} == Test::Token::Raw::CLOSE;
    }
}
is($code, 4012, 'a message that never ends ends the session');
