# The opening handshake, RFC 6455, 4.2 to 4.4, 9.1 and 10.2: each requirement by
# itself.  What the module asks for besides is in t/handshake.t.

use Digest::SHA qw/ sha1_base64 /;
use MIME::Base64 qw/ encode_base64 /;

use Test::Token;

my $t = Test::Token->new(conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;

    location = /echo     { token_echo; }
    location = /deflated { token_echo; token_deflate on; }
}
EOC
$t->plan(19);

sub status (%headers) { $t->raw->handshake('/echo', %headers) }

# One assertion for each pair of a header's value (undef: none) and a status.
sub statuses ($name, @pairs) {
    while (my ($value, $status) = splice @pairs, 0, 2) {
        my $said = ref $value ? join ' / ', @$value : $value // 'none';
        is(status($name => $value), $status, "$name: $said");
    }
}

sub token ($bytes) { encode_base64($bytes, '') }


subtest '4.2.1 (1) a GET of HTTP/1.1' => sub {
    is(status(line => 'GET /echo HTTP/1.1'), 101, 'GET');
    is(status(line => 'GET http://localhost/echo HTTP/1.1'), 101,
        'an absolute URI');
    is(status(line => 'GET /echo?a=b HTTP/1.1'), 101, 'with a query');
    is(status(line => "$_ /echo HTTP/1.1", 'Content-Length' => 0), 405, $_)
        for qw/ POST PUT DELETE OPTIONS PATCH /;
    is(status(line => 'HEAD /echo HTTP/1.1'), 405, 'HEAD');
    is(status(line => 'get /echo HTTP/1.1'), 400, 'a method has a case');
    is(status(line => 'GET /echo HTTP/1.0'), 400, 'HTTP/1.0');
    is(status('Content-Length' => 3), 400, 'with a body');
};


subtest '4.2.1 (2) a Host' => sub {
    statuses('Host', undef, 400, '', 400, [ 'a', 'b' ], 400,
        'a b', 400, 'localhost', 101, 'example:80', 101);
};


subtest '4.2.1 (3) Upgrade has "websocket", in any case' => sub {
    statuses('Upgrade', 'websocket', 101, 'WebSocket', 101, 'WEBSOCKET', 101,
        'h2c, websocket', 101, "h2c ,\twebsocket , x", 101,
        [ 'h2c', 'websocket' ], 101, undef, 426, '', 426, 'h2c', 426,
        'web socket', 426, 'websocket2', 426, 'xwebsocket', 426);
};


subtest '4.2.1 (4) Connection has "Upgrade", in any case' => sub {
    statuses('Connection', 'Upgrade', 101, 'upgrade', 101, 'UPGRADE', 101,
        'keep-alive, Upgrade', 101, ' Upgrade,keep-alive', 101,
        [ 'keep-alive', 'Upgrade' ], 101, undef, 426, '', 426,
        'keep-alive', 426, 'close', 426, 'Upgrades', 426,
        'keep-alive Upgrade', 426);
};


subtest '4.2.1 (5) a key that is base64 of 16 bytes, once' => sub {
    is(status('Sec-WebSocket-Key' => token(join '', map { chr rand 256 }
        1 .. 16)), 101, 'any 16 bytes') for 1 .. 10;

    statuses('Sec-WebSocket-Key', undef, 400, '', 400,
        token('x' x 15), 400, token('x' x 17), 400, token('x' x 24), 400,
        'A' x 22, 400, 'A' x 24, 400, 'A' x 21 . '===', 400,
        '-' x 22 . '==', 400, 'A' x 11 . ' ' . 'A' x 10 . '==', 400,
        [ token('x' x 16), token('y' x 16) ], 400,
        [ token('x' x 16), token('x' x 16) ], 400,
        token('x' x 16), 101);
};


subtest '4.2.1 (6) the version is 13' => sub {
    statuses('Sec-WebSocket-Version', 13, 101, map { $_ => 426 } undef, '', 0,
        7, 8, 12, 14, 113, 130, '013', '+13', '13.0', '13, 8', 'x',
        [ 8, 13 ], [ 13, 13 ]);
};


subtest '4.2.1 (7), 10.2 Origin: a page of the host, or no page' => sub {
    my @host = (Host => 'a.example');

    is(status(@host), 101, 'none');
    is(status(@host, Origin => 'http://a.example'), 101, 'the host');
    is(status(@host, Origin => $_), 403, $_)
        for 'http://b.example', 'http://a.example.b', 'http://a.example:81',
        'null', '';
    is(status(@host, Origin => [ ('http://a.example') x 2 ]), 403, 'two');
};


subtest '4.2.1 (8), 11.3.4 the subprotocol is one that was offered' => sub {
    for my $case ([ undef, undef ], [ 'chat', undef ], [ 'Token.V1', undef ],
        [ 'token.v11', undef ], [ 'token.v1', 'token.v1' ],
        [ 'chat, token.v1, x', 'token.v1' ],
        [ [ 'chat', 'token.v1' ], 'token.v1' ])
    {
        my ($offer, $choice) = @$case;
        my $raw = $t->upgraded('/echo', 'Sec-WebSocket-Protocol' => $offer);
        my $said = ref $offer ? join ' / ', @$offer : $offer // 'none';

        is($raw->header('Sec-WebSocket-Protocol'), $choice, $said);
        is(() = $raw->{head} =~ /^Sec-WebSocket-Protocol:/gmi,
            defined $choice ? 1 : 0, "$said: at most once");
    }
};


subtest '4.2.1 (9), 9.1 extensions that are not known are left out' => sub {
    for my $offer ('foo', 'foo; bar', 'foo; bar=1; baz="x", x-y', '', undef,
        [ 'foo', 'bar' ])
    {
        my $raw = $t->upgraded('/deflated',
            'Sec-WebSocket-Extensions' => $offer);
        is($raw->header('Sec-WebSocket-Extensions'), undef,
            ref $offer ? "@$offer" : $offer // 'none');
    }
};


subtest '9.1 extensions that break the grammar fail the handshake' => sub {
    statuses('Sec-WebSocket-Extensions', map { $_ => 400 } 'foo;', ';', 'foo bar',
        'foo; a=', 'foo; =a', 'foo; a="', 'foo; a="b c"', 'foo; a=""',
        'foo; a="b"c', '"foo"', 'foo; a b', 'foo/1', [ 'foo', 'bar;' ]);
};


subtest '4.2.1 other fields are ignored, names are of any case' => sub {
    is(status(Cookie => 'a=b', 'X-Unknown' => 'x', 'Sec-WebSocket-New' => 'y'),
        101, 'fields that are not known');

    my $request = $t->raw->request('/echo') =~ s/Sec-WebSocket/SEC-websocket/gr;
    my $raw = $t->raw;
    $raw->write($request =~ s/Upgrade: /upgrade:  /r =~ s/Host:/hOST:/r);
    is($raw->head, 101, 'names in another case');
};


subtest '4.2.2 (5) the answer' => sub {
    my $raw = $t->upgraded('/echo');

    like($raw->{head}, qr/^HTTP\/1\.1 101 /, '(1) status line');
    like($raw->header('Upgrade'), qr/^websocket$/i, '(2) Upgrade');
    like($raw->header('Connection'), qr/^upgrade$/i, '(3) Connection');
    is($raw->header('Sec-WebSocket-Accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        '(4) the accept value of 1.3');
    is($raw->header('Sec-WebSocket-Protocol'), undef, '(5) no subprotocol');
    is($raw->header('Sec-WebSocket-Extensions'), undef, '(6) no extension');
    is($raw->header($_), undef, "no $_")
        for qw/ Content-Length Transfer-Encoding /;
};


subtest '4.2.2 (5.4) the accept value of any key' => sub {
    for (1 .. 20) {
        my $key = token(join '', map { chr rand 256 } 1 .. 16);
        my $raw = $t->upgraded('/echo', 'Sec-WebSocket-Key' => $key);
        is($raw->header('Sec-WebSocket-Accept'),
            sha1_base64("${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . '=',
            $key);
    }
};


subtest '4.2.2 (4), 4.4 another version is answered with ours' => sub {
    for my $version (undef, 8, 14) {
        my $raw = $t->raw;
        is($raw->handshake('/echo', 'Sec-WebSocket-Version' => $version), 426,
            'version ' . ($version // 'none'));
        is($raw->header('Sec-WebSocket-Version'), 13, 'is told ours');
    }
};


subtest 'RFC 9110, 15.5.22 and 7.8: what 426 must have' => sub {
    my $raw = $t->raw;
    is($raw->handshake('/echo', Upgrade => undef, Connection => undef), 426,
        'a plain GET');
    like($raw->header('Upgrade'), qr/^websocket$/i, 'Upgrade');
    like($raw->{head}, qr/^Connection:.*\bupgrade\b/mi,
        'and Connection with "upgrade"');
    is($raw->header('Content-Length'), 0, 'no body');
    ok($raw->ended, 'and the connection ends');
};


subtest '4.1 a handshake in pieces' => sub {
    for my $step (1, 2, 3, 7, 50) {
        my $raw = $t->raw;
        $raw->write($raw->request('/echo'), $step);
        is($raw->head, 101, "$step bytes at a time");
    }
};


subtest '4.1 frames right behind the handshake' => sub {
    my $raw = $t->raw;
    $raw->write($raw->request('/echo')
        . Test::Token::Raw::frame(1, 'first') . Test::Token::Raw::frame(9, 'p')
        . Test::Token::Raw::frame(1, 'last', fin => 0));
    is($raw->head, 101, 'the answer');
    is($raw->message, 'first', 'a message');
    is($raw->read_frame->{payload}, 'p', 'a pong');
    $raw->send_frame(0, ' one');
    is($raw->message, 'last one', 'and the rest of a fragmented one');
};


subtest '4.1 what is wrong right behind the handshake' => sub {
    my $raw = $t->raw;
    $raw->write($raw->request('/echo')
        . Test::Token::Raw::frame(1, 'x', mask => ''));
    is($raw->head, 101, 'the answer');
    is($raw->rest, 'close(1002)', 'and the end');
};


subtest '4.2.1 the path is a location as any' => sub {
    is($t->raw->handshake('/nowhere'), 404, 'there is none');
    is($t->raw->handshake('/echo/'), 404, 'nor one below');
};
