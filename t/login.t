# Who a session is: only what a check has verified.  G9.

use Test::Token;
use Mojo::Util qw/ b64_encode /;

my $t = Test::Token->new(conf => <<'EOC');
token_log      chat;
token_service  send  { require_user; append chat; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch chat;
    token_allow send;

    location = /live { token_websocket; }

    location = /auth {
        auth_basic "chat"; auth_basic_user_file %%DIR%%/users; token_login;
    }
    location = /auth-off { auth_basic off; token_login; }
    location = /logout { token_logout; }

    location = /basic {
        auth_basic "chat"; auth_basic_user_file %%DIR%%/users;
        token_websocket;
    }
    location = /satisfy {
        satisfy any; allow 127.0.0.1; deny all;
        auth_basic "chat"; auth_basic_user_file %%DIR%%/users;
        token_websocket;
    }
    location = /header { token_websocket; token_user $http_x_verified; }
    location = /whoami { return 200 "$remote_user"; }
}

server {
    listen 127.0.0.1:%%PORT1%%;
    server_name other.example;
    location = /live { token_websocket; token_watch chat; }
}
EOC
my $sha = '{SHA}iEPX+SQWIR3p67lj/0zigSWTKHg=';   # foobar
$t->write_file(users => "alice:{PLAIN}\nbob:{PLAIN}\ncarol:$sha\n"
    . "d\xc3\xb6rte:{PLAIN}\nbad\xff:{PLAIN}\n");
$t->plan(64);

sub basic ($user, $password = '') {
    return (Authorization => 'Basic ' . b64_encode("$user:$password", ''));
}

sub login ($user, $path = '/auth', @headers) {
    return $t->get($path => { basic($user), @headers });
}

sub user_of ($path = '/live', %args) {
    my $s = $t->connect($path, %args);
    return $s->can('code') ? 'status ' . $s->code
        : $s->hello->{user} // 'nobody';
}

# Without the jar of a browser.
$t->ua->cookie_jar->ignore(sub { 1 });


# logging in

my $res = $t->get('/auth');
is($res->code, 401, 'without a name: 401');
like($res->headers->www_authenticate, qr/^Basic realm="chat"/, 'with the realm');
is($res->headers->set_cookie, undef, 'and no cookie');
is($t->get('/auth' => { basic('carol', 'wrong') })->code, 401,
    'a wrong password: 401');
is($t->get('/auth' => { basic('nobody') })->code, 401, 'an unknown name: 401');

$res = login('alice');
is($res->code, 303, 'a blank password, where that is configured: 303');
is($res->headers->location, '/', 'to the start page');
is($res->headers->cache_control, 'no-store', 'not to be kept');

my $set = $res->headers->set_cookie;
like($set, qr/; HttpOnly(?:;|$)/, 'the cookie is HttpOnly');
like($set, qr/; SameSite=Lax(?:;|$)/, 'and SameSite=Lax');
like($set, qr/; Path=\/(?:;|$)/, 'for the whole site');
like($set, qr/; Max-Age=[1-9]\d*(?:;|$)/, 'and expires');
unlike($set, qr/Secure/, 'not Secure over plain HTTP');
unlike($set, qr/Domain/i, 'for this host alone');

my ($name, $value) = $set =~ /^([^=]+)=([^;]+)/;
is(user_of('/live', cookie => "$name=$value"), 'alice', 'the cookie is a user');
is(user_of('/live', cookie => "a=b; $name=$value; c=d"), 'alice',
    'among others, too');
is(user_of('/live', cookie => "$name=junk; $name=$value"), 'alice',
    'and behind a foreign one of its name');
is(user_of('/live'), 'nobody', 'without a cookie: nobody');

my $carol = $t->get('/auth' => { basic('carol', 'foobar') });
is($carol->code, 303, 'a password');
my ($carols) = $carol->headers->set_cookie =~ /^([^;]+)/;
is(user_of('/live', cookie => $carols), 'carol', 'gives its own cookie');
my ($doertes) = login("d\xc3\xb6rte")->headers->set_cookie =~ /^([^;]+)/;
is(user_of('/live', cookie => $doertes), "d\x{f6}rte", 'a name in UTF-8');
isnt(login("bad\xff")->code, 303, 'a name that is no UTF-8 cannot log in');

is($t->ua->post($t->url('/auth') => { basic('alice') })->result->code, 405,
    'POST: 405');
$res = $t->ua->head($t->url('/auth') => { basic('alice') })->result;
is($res->code, 303, 'HEAD: 303');


# where to go

sub target ($return) {
    return login('alice', '/auth?return=' . $return)->headers->location // '-';
}

is(target('/chat.html'), '/chat.html', 'return: a path of this site');
is(target('/chat.html%3Froom=1%23top'), '/chat.html?room=1#top',
    'with arguments');
is(target('//evil.example/'), '/', 'not //host');
is(target('%2F%2Fevil.example/'), '/', 'not //host, escaped');
is(target('/%5Cevil.example/'), '/', 'not /\host');
is(target('/%09/evil.example/'), '/', 'not / tab /host');
is(target('https://evil.example/'), '/', 'not another site');
is(target('evil.example'), '/', 'not a relative path');
is(target('javascript:alert(1)'), '/', 'not a script');
is(target('/%0d%0aSet-Cookie:%20x=y'), '/', 'no line feed');
is(target('%00'), '/', 'no null');
is(target(''), '/', 'empty');


# what a cookie must be

my ($version, $user, $expires, $mac) = split /\./, $value;
my %tampered = (
    'another user' => join('.', $version, b64_encode('bob', ''), $expires, $mac),
    'a later expiry' => join('.', $version, $user, $expires + 1, $mac),
    'an earlier expiry' => join('.', $version, $user, 1, $mac),
    'another version' => join('.', 'v2', $user, $expires, $mac),
    'a cut signature' => substr($value, 0, -1),
    'another signature' => substr($value, 0, -2)
        . (substr($value, -2, 1) eq 'A' ? 'B' : 'A') . substr($value, -1),
    'a longer signature' => $value . 'A',
    'no signature' => join('.', $version, $user, $expires),
    'an empty value' => '',
    'dots' => '.' x 60,
    'a long value' => 'x' x 2000,
    'bytes' => "\x01\xff" x 30,
);
is(user_of('/live', cookie => "$name=$tampered{$_}"), 'nobody', $_)
    for sort keys %tampered;
is(user_of('/live', cookie => "x$name=$value"), 'nobody', 'another name');

my $other = $t->connect('/live', url => $t->url('/live', 'ws', 1),
    cookie => "$name=$value");
is($other->hello->{user}, undef, 'the cookie of another server');


# what a header says is not enough

is(user_of('/live', user => 'alice'), 'nobody',
    'Authorization where nobody checks it');
is(user_of('/basic', user => 'alice'), 'alice', 'where auth_basic checks it');
is(user_of('/basic', user => 'mallory'), 'status 401', 'and refuses it');
is(user_of('/satisfy', user => 'alice'), 'nobody',
    'satisfy any: allowed by address, the name is not checked');
is(user_of('/basic', user => 'bob', cookie => "$name=$value"), 'bob',
    'what is checked now comes before a cookie');
is(user_of('/header', headers => { 'X-Verified' => 'eve' }), 'eve',
    'token_user: a variable that the configuration trusts');
is(user_of('/header', cookie => "$name=$value"), 'alice',
    'where that is empty, the cookie counts');
is($t->get('/auth-off' => { basic('alice') })->code, 403,
    'token_login without a check: 403');


# logging out

$res = $t->get('/logout' => { Cookie => "$name=$value" });
is($res->code, 303, 'logout: 303');
like($res->headers->set_cookie, qr/^\Q$name\E=;.* Max-Age=0;/,
    'the cookie is cleared');
is($t->get('/logout?return=//evil.example')->headers->location, '/',
    'and the target is checked, too');


# what it is good for

my $s = $t->connect('/live', cookie => "$name=$value");
$s->watch('chat');
is($s->spend('send', 'hi')->{outcome}, 'ok', 'a user may send');
is($s->expect('record')->{user}, 'alice', 'in his own name');
is($t->connect->spend('send', 'hi')->{error}{code}, 'user_required',
    'an anonymous one may not');
