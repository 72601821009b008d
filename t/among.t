# A websocket among nginx's own directives: whatever leads to it, stands beside
# it, or carries it.

use Test::Token;
use IO::Select;
use IO::Socket::UNIX;
use Socket qw/ AF_UNIX SOCK_STREAM PF_UNSPEC /;

# a certificate for TLS
my $dir = File::Temp::tempdir('token-tls-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    . " -keyout $dir/key.pem -out $dir/cert.pem >$dir/log 2>&1") == 0
    or die 'no certificate';

# what a mirror is sent to: it answers when the test does
my $backend = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
    or die "listen: $!";
my %of = (TLS => $dir, BACKEND => '127.0.0.1:' . $backend->sockport);

my $t = Test::Token->new(conf => <<'EOC' =~ s/%%([TB]\w+)%%/$of{$1}/gr);
token_atom     switch  false;
token_atom     count   0;
token_service  add     { add count 1; }
token_service  who     { require_user; }

server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT1%% http2;
    listen 127.0.0.1:%%PORT2%% proxy_protocol;
    listen 127.0.0.1:%%PORT3%% ssl;
    listen unix:%%DIR%%/socket;
    ssl_certificate      %%TLS%%/cert.pem;
    ssl_certificate_key  %%TLS%%/key.pem;
    ssl_protocols        TLSv1.3;
    ssl_early_data       on;
    token_watch          switch count;
    token_allow          add who;

    location = /live   { token_websocket; }

    location = /if     {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users;
        if ($arg_x) { set $y 1; }
        token_websocket;
    }
    location = /if-echo { if ($arg_x) { set $y 1; } token_echo; }
    location = /except  {
        limit_except GET { deny all; }
        token_websocket;
    }

    # what leads to it
    location = /error  { error_page 404 /live; return 404; }
    location = /named  { error_page 418 = @live; return 418; }
    location @live     { token_websocket; }
    location = /again  { rewrite ^ /live last; }
    location = /try    { try_files /nonesuch @live; }
    location /inner/   { internal; token_websocket; }

    # what stands beside it
    location = /mirror { mirror /copy; token_websocket; }
    location = /copy   { internal; proxy_pass http://%%BACKEND%%; }
    location = /slow   { limit_rate 1; send_timeout 60s; token_websocket; }
    location = /asks   { auth_request /live; alias %%DIR%%/users; }
    location = /asked  { auth_request /yes; token_websocket; }
    location = /yes    { return 204; }
    location = /plain  { return 200 "plain"; }
    location = /addr   {
        token_limit_sessions $proxy_protocol_addr 1; token_websocket;
    }
}
EOC
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(48);

my @protocol = ('Sec-WebSocket-Protocol' => 'token.v1');
my $ping = Test::Token::Raw::frame(1, '{"type":"ping"}');
my @alice = (Authorization => 'Basic YWxpY2U6');


# whether a handshake's connection is a session of token.v1
sub is_session ($raw, $name, @headers) {
    my ($path) = splice @headers, 0, 1;
    is($raw->handshake($path, @protocol, @headers), 101, "$name: 101");
    my $hello = $raw->message;
    $raw->write($ping);
    return ok($hello =~ /"type":"hello"/ && $raw->message =~ /"pong"/,
        "$name: a session") ? $hello : '';
}


# what leads to it

is_session($t->raw, 'an error_page', '/error');
is_session($t->raw, 'a named location', '/named');
is_session($t->raw, 'a rewrite', '/again');
is_session($t->raw, 'try_files', '/try');
is($t->raw->handshake('/inner/x', @protocol), 404, 'an internal location');

like(is_session($t->raw, '"if" that does not hold', '/if', @alice),
    qr/"user":"alice"/, 'with its user');
like(is_session($t->raw, '"if" that holds', '/if?x=1', @alice),
    qr/"user":"alice"/, 'with its user');
my $echo = $t->raw;
is($echo->handshake('/if-echo?x=1'), 101, '"if" around an echo');
$echo->send_frame(1, 'hoy');
is($echo->message, 'hoy', 'is an echo');
is_session($t->raw, 'limit_except', '/except');
is($t->raw->handshake('/except', @protocol, line => 'POST /except HTTP/1.1',
    'Content-Length' => 0), 403, 'and its other side');


# what stands beside it

my $mirrored = $t->raw;
$mirrored->write($mirrored->request('/mirror', @protocol) . $ping);
my $copy = IO::Select->new($backend)->can_read(10) ? $backend->accept : undef;
ok($copy, 'a mirror is called');
is($mirrored->head, 101, 'while it has not answered: 101');
sysread $copy, my $copied, 65536;
like($copied, qr/^GET \S+ HTTP/, 'it gets the request');
$t->connect('/live')->settle;
ok(!IO::Select->new($copy)->can_read(0), 'and is not cut off');
my $gone = $t->raw;
$gone->write($gone->request('/mirror', @protocol));
my $second = $backend->accept;
$gone->end;
syswrite $_, "HTTP/1.0 204 No Content\r\n\r\n" for $copy, $second;
close $_ for $copy, $second;
like($mirrored->message, qr/"hello"/, 'when it has answered: a session');
like($mirrored->message, qr/"pong"/, 'that has lost nothing');

is_session($t->raw, 'limit_rate', '/slow');
is($t->get('/asks')->code, 500, 'auth_request of a websocket is an error');
is_session($t->raw, 'behind auth_request', '/asked');


# what carries it

my $raw = $t->raw;
$raw->write("GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n"
    . $raw->request('/live', @protocol) . $ping);
is($raw->head, 200, 'a handshake right behind another request');
$raw->{in} =~ s/^plain// or $raw->fill && $raw->{in} =~ s/^plain//;
is($raw->head, 101, 'is answered after it');
like($raw->message . $raw->message, qr/"hello".*"pong"/,
    'with nothing lost');

$raw = $t->raw;
$raw->write($raw->request('/live', @protocol, Cookie => 'x=' . 'y' x 5000)
    . $ping x 50);
is($raw->head, 101, 'with a large header, and many frames right behind it');
my $pongs = grep { $raw->message =~ /"pong"/ } 1 .. 51;
is($pongs, 50, 'of which none is lost');

is_session(Test::Token::Raw->new(socket =>
    IO::Socket::UNIX->new(Peer => $t->dir . '/socket')), 'a unix socket',
    '/live');

sub proxied ($from) {
    my $raw = $t->raw(n => 2);
    $raw->write("PROXY TCP4 $from 127.0.0.1 1234 80\r\n");
    return $raw;
}
my $first = proxied('10.0.0.1');
is_session($first, 'proxy_protocol', '/addr');
is(proxied('10.0.0.1')->handshake('/addr', @protocol), 503,
    'counts by the address behind the proxy');
is(proxied('10.0.0.2')->handshake('/addr', @protocol), 101, 'each by itself');


# HTTP/2 has no Upgrade: a request that is one in all else is refused

sub literal ($name, $value) {
    return pack 'CC/aC/a', 0, $name, $value;
}
my $h2 = $t->raw(n => 1);
my $block = join '', map { literal(@$_) } [ ':method', 'GET' ],
    [ ':scheme', 'http' ], [ ':path', '/live' ], [ ':authority', 'localhost' ],
    [ 'sec-websocket-version', '13' ],
    [ 'sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==' ],
    [ 'sec-websocket-protocol', 'token.v1' ];
$h2->write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . pack('x3CCN', 4, 0, 0)
    . pack('Cna*', 0, length $block, '') . pack('CCN', 1, 5, 1) . $block);
my $status;
until (defined $status) {
    while ($h2->{in} =~ /^\0(..)(.)(.)(....)/s
        && length $h2->{in} >= 9 + unpack 'n', $1)
    {
        my ($len, $type) = (unpack('n', $1), ord $2);
        my $payload = substr substr($h2->{in}, 0, 9 + $len, ''), 9;
        $status = ord $payload if $type == 1;
        $status = 'closed' if $type == 7;
    }
    $h2->fill or $status //= 'ended' unless defined $status;
}
is($status, 0x8c, 'over HTTP/2: 400');


# TLS, by openssl's client: what is written and read goes through a pair

sub tls (@options) {
    socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<&', $its;
        open STDOUT, '>&', $its;
        open STDERR, '>', '/dev/null';
        close $ours;
        exec 'openssl', 's_client', '-quiet', '-connect',
            '127.0.0.1:' . $t->port(3), @options or POSIX::_exit(127);
    }
    close $its;
    return Test::Token::Raw->new(socket => $ours);
}

is_session(tls('-sess_out', "$dir/session"), 'TLS', '/live');

my $id = id();
my $early = Test::Token::Raw->new(socket => 1)->request('/live', @protocol)
    . Test::Token::Raw::frame(1,
        qq/{"type":"token","id":"$id","service":"add"}/);
open my $fh, '>', "$dir/early" or die $!;
print $fh $early;
close $fh;
my @resumed = ('-sess_in', "$dir/session", '-early_data', "$dir/early");
$raw = tls(@resumed);
is($raw->head, 101, 'a handshake in early data');
like(join('', map { $raw->message } 1 .. 2), qr/"outcome":"ok"/,
    'and a token');
tls(@resumed)->fill(2);   # the same bytes, as an attacker would send them
my $s = $t->connect;
$s->watch('count');
is($s->expect('atom')->{value}, 1, 'take effect once');
