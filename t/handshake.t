# The opening handshake: RFC 6455, 4.2, and PROTOCOL.md, 1.

use Test::Token;

my $t = Test::Token->new(conf => <<'EOC');
token_atom  switch  false;

log_format size "$uri $status $bytes_sent";

server {
    listen 127.0.0.1:%%PORT%%;
    access_log %%DIR%%/logs/size.log size;
    client_max_body_size 10;

    location = /live   { token_websocket; token_watch switch; }
    location = /alone  { token_websocket; postpone_output 0; }
    location = /listed { token_websocket; token_origin https://app.example; }
    location = /any    { token_websocket; token_origin any; }
    location = /guarded {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
    location = /denied { deny all; token_websocket; }
}
EOC
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(51);

sub status ($path, %headers) {
    return $t->raw->handshake($path, 'Sec-WebSocket-Protocol' => 'token.v1',
        %headers);
}


# what is right

my $raw = $t->raw;
is($raw->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1'), 101,
    'a handshake is answered 101');
is($raw->header('Sec-WebSocket-Accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    'with the accept value of RFC 6455, 1.3');
is($raw->header('Sec-WebSocket-Protocol'), 'token.v1', 'and the subprotocol');
like($raw->header('Upgrade'), qr/^websocket$/i, 'and Upgrade');
like($raw->header('Connection'), qr/^upgrade$/i, 'and Connection');
is($raw->header('Content-Length'), undef, 'and no Content-Length');
is($raw->header('Transfer-Encoding'), undef, 'and no Transfer-Encoding');
like($raw->message, qr/^\{"type":"hello"/, 'the first message is hello');

# the 101 goes with the hello, unless nginx is not to wait

for my $path (qw( /live /alone )) {
    $raw = $t->raw;
    $raw->handshake($path, 'Sec-WebSocket-Protocol' => 'token.v1');
    like($raw->message, qr/^\{"type":"hello"/, "hello at $path");

    my $size = length($raw->{head}) + 2;
    ok(wait_for(sub {
        $t->read_file('logs/size.log') =~ m!^$path 101 $size$!m;
    }), 'the access log has the size of the 101');
}

is(status('/live', Upgrade => 'WebSocket'), 101, 'Upgrade in any case');
is(status('/live', Upgrade => 'h2c, websocket'), 101, 'Upgrade as a list');
is(status('/live', Connection => 'keep-alive, uPgRaDe'), 101,
    'Connection as a list, in any case and order');
is(status('/live', Connection => 'upgrade ,keep-alive'), 101,
    'Connection as a list, with white space');
is(status('/live', 'Sec-WebSocket-Protocol' => 'chat, token.v1'), 101,
    'token.v1 among others');
is(status('/live?a=b'), 101, 'with arguments');

$raw = $t->raw;
my $request = $raw->request('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
$raw->write($request . Test::Token::Raw::frame(1, '{"type":"ping"}'));
is($raw->head, 101, 'a frame may come with the handshake');
like($raw->message, qr/^\{"type":"hello"/, 'hello comes before its answer');
is($raw->message, '{"type":"pong"}', 'which is not lost');

$raw = $t->raw;
$raw->write($request, 1);
is($raw->head, 101, 'a handshake byte by byte');


# not an upgrade

$raw = $t->raw;
is($raw->handshake('/live', Upgrade => undef, Connection => undef), 426,
    'a plain GET is answered 426');
is($raw->header('Sec-WebSocket-Version'), '13', 'with the version');
like($raw->header('Upgrade') // '', qr/^websocket$/i, 'and Upgrade');

is(status('/live', Upgrade => 'h2c'), 426, 'Upgrade to something else');
is(status('/live', Upgrade => 'websockets'), 426, 'Upgrade with a longer word');
is(status('/live', Connection => 'keep-alive'), 426,
    'Connection without upgrade');
is(status('/live', 'Sec-WebSocket-Version' => undef), 426, 'no version');

$raw = $t->raw;
is($raw->handshake('/live', 'Sec-WebSocket-Version' => 8,
    'Sec-WebSocket-Protocol' => 'token.v1'), 426, 'another version');
is($raw->header('Sec-WebSocket-Version'), '13', 'is told the right one');

like(status('/live', line => 'GET /live HTTP/1.0'), qr/^4(?:00|26)$/,
    'HTTP/1.0');


# malformed

is(status('/live', 'Sec-WebSocket-Key' => undef), 400, 'no key');
is(status('/live', 'Sec-WebSocket-Key' => 'dG9vIHNob3J0'), 400,
    'a key that is too short');
is(status('/live', 'Sec-WebSocket-Key' => '!' x 22 . '=='), 400,
    'a key that is not base64');
is(status('/live', 'Sec-WebSocket-Protocol' => undef), 400, 'no subprotocol');
is(status('/live', 'Sec-WebSocket-Protocol' => 'token.v2'), 400,
    'another subprotocol');
is(status('/live', 'Sec-WebSocket-Protocol' => 'Token.V1'), 400,
    'a subprotocol has a case');
is(status('/live', line => 'POST /live HTTP/1.1', 'Content-Length' => 0), 405,
    'not GET');
is(status('/live', 'Content-Length' => 5), 400, 'a body');
is(status('/live', 'Transfer-Encoding' => 'chunked'), 400, 'a chunked body');


# origin

my $host = '127.0.0.1:' . $t->port;
is(status('/live', Host => $host, Origin => "http://$host"), 101,
    'the origin is the host');
is(status('/live', Host => $host, Origin => 'http://127.0.0.1:1'), 403,
    'the origin has another port');
is(status('/live', Host => 'app.example', Origin => 'https://app.example:443'),
    101, 'the origin has the default port');
is(status('/live', Host => $host, Origin => 'http://evil.example'), 403,
    'the origin is another site');
is(status('/live', Host => $host, Origin => 'null'), 403, 'an opaque origin');
is(status('/listed', Host => $host, Origin => 'https://app.example'), 101,
    'an origin that is configured');
is(status('/listed', Host => $host, Origin => 'https://app.example.evil'), 403,
    'one that begins like it');
is(status('/any', Host => $host, Origin => 'https://evil.example'), 101,
    'any origin, where that is configured');


# access is nginx's

is(status('/guarded'), 401, 'auth_basic guards the handshake');
is(status('/denied'), 403, 'deny guards the handshake');
