# What a service takes from the token, the user and the handshake; and that no
# value breaks out of its place.  G10.

use Test::Token;

my $t = Test::Token->new(conf => <<'EOC');
map $http_x_kind $kind { default "plain"; special "very \"special\""; }

token_log   chat;
token_atom  rooms/*  0;
token_atom  text     '""';

token_service  from  {
    append chat '{"ip": "$remote_addr", "agent": "$http_user_agent",
                  "theme": "$cookie_theme", "room": "$arg_room",
                  "kind": "$kind", "none": "$http_x_none"}';
}
token_service  who    { append chat '{"user": "$token_user", "id": $token_id}'; }
token_service  say    { append chat '{"text": $token_arg_text}'; }
token_service  quoted { append chat '{"text": "<${token_arg_text}>"}'; }
token_service  bare   { append chat $http_x_bare; }
token_service  value  { append chat '[$token_value, "$token_value"]'; }
token_service  enter  { add rooms/$arg_room 1; }
token_service  head   { add rooms/$http_x_room 1; }
token_service  name   { add "rooms/$token_arg_a-$token_arg_b" 1; }

server {
    listen 127.0.0.1:%%PORT%%;

    location = /live {
        auth_basic $realm; auth_basic_user_file %%DIR%%/users;
        token_websocket;
        token_watch chat rooms/*;
        token_allow from who say quoted bare value enter head name;
    }
}
map $arg_auth $realm { default off; 1 "x"; }
EOC
$t->write_file(users => qq(al"ice\\:{PLAIN}\n));
$t->plan(36);

# Spends a token; what was appended, or the error's code.
sub said ($s, $service, $value = undef) {
    my $id = $s->token($service, $value);
    my $o = $s->outcome($id);
    return $o->{error}{code} if $o->{outcome} ne 'ok';
    return $s->expect({ type => 'record', token => $id })->{value};
}

sub watching ($path = '/live', %args) {
    my $s = $t->connect($path, %args);
    $s->watch('chat', epoch => $s->hello->{epoch}, seq => $s->hello->{seq});
    return $s;
}


# the handshake's variables

my $s = watching('/live?room=7', headers => {
    'User-Agent' => 'tester/1.0', Cookie => 'a=b; theme=dark',
    'X-Kind' => 'special' });
is_deeply(said($s, 'from'), { ip => '127.0.0.1', agent => 'tester/1.0',
    theme => 'dark', room => '7', kind => 'very "special"', none => '' },
    'address, headers, cookies, arguments, and a map');

my $evil = q(x", "ip": "6.6.6.6", "y": "\\);
my $two = watching("/live?room=\"},{", headers => { 'User-Agent' => $evil });
my $m = said($two, 'from');
is($m->{agent}, $evil, 'quotes and backslashes stay inside their string');
is($m->{ip}, '127.0.0.1', 'and change nothing else');
is(keys %$m, 6, 'nor add to it');
is($m->{kind}, 'plain', 'each session has its own');

is(said($s, 'from')->{agent}, 'tester/1.0', 'and keeps it');

$two = watching('/live', headers => { 'User-Agent' => "a\xff\xc0\x80b\tc" });
is(said($two, 'from')->{agent}, "a\x{fffd}\x{fffd}\x{fffd}b\tc",
    'bytes that are no UTF-8 are replaced');
$two = watching('/live', headers => { 'User-Agent' => "\xe2\x82\xac" });
is(said($two, 'from')->{agent}, "\x{20ac}", 'those that are stay');

$two = watching('/live', headers => { 'X-Bare' => '{"a":1}' });
is(said($two, 'bare'), '{"a":1}', 'a bare variable is a string, not JSON');
is(said($s, 'bare'), '', 'an absent one is an empty string');


# the user and the token

$two = watching('/live?auth=1', user => 'al"ice\\');
is($two->hello->{user}, 'al"ice\\', 'a user with a difficult name');
my $id = $two->token('who');
is_deeply($two->expect({ token => $id })->{value}, { user => 'al"ice\\', id => $id },
    'in a string, and the id of the token');
is($two->outcome($id)->{outcome}, 'ok', 'is ok');
is(said($s, 'who')->{user}, '', 'anonymous: empty');


# the token's value

for my $text ('plain', '"},{"x":"', "\\", "line\nfeed", "\x{20ac}\x{1f600}",
    "\0", '$remote_addr')
{
    (my $name = $text) =~ s/([^ -~])/sprintf '\\x{%x}', ord $1/ge;
    is_deeply(said($s, 'quoted', { text => $text }), { text => "<$text>" },
        "inside a string: $name");
}

is_deeply(said($s, 'say', { text => { deep => [1] } })->{text},
    { deep => [1] }, 'alone: any JSON');
is(said($s, 'quoted', { text => 12.5 })->{text}, '<12.5>',
    'a number inside a string');
is(said($s, 'quoted', { text => true })->{text}, '<true>',
    'a boolean inside a string');
is(said($s, 'quoted', { text => [] }), 'bad_value',
    'an array inside a string: no');
is(said($s, 'quoted', { text => undef }), 'bad_value', 'null: no');
is(said($s, 'say', {}), 'bad_value', 'a member that is not there');
is(said($s, 'say', 'text'), 'bad_value', 'a value that is no object');
is_deeply(said($s, 'value', 'a"b'), [ 'a"b', 'a"b' ], 'the whole value');
is(said($s, 'value', {}), 'bad_value', 'an object inside a string: no');

$id = id();
$s->send_text(qq({"type":"token","id":"$id","service":"say",)
    . q("value":{"te\u0078t":"escaped","text":"last"}}));
is($s->expect({ type => 'record', token => $id })->{value}{text}, 'last',
    'of members with one name the last counts');
$s->outcome($id);


# names of channels

$two = watching('/live', headers => { 'X-Room' => "\xff" });
is(said($two, 'head'), 'unknown_channel', 'a name that is no UTF-8 is none');
$two = watching('/live', headers => { 'X-Room' => "\xc3\xa9" });
is($two->spend('head')->{outcome}, 'ok', 'one that is, is one');

is($s->spend('enter')->{outcome}, 'ok', 'a channel by an argument');
$s->watch('rooms/7');
is($s->expect({ channel => 'rooms/7' })->{value}, 1, 'is that channel');
is($s->spend('name', { a => 'x/../y', b => '"' })->{outcome}, 'ok',
    'a name is a name, not a path');
