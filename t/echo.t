# Frames: RFC 6455, 5 to 8, in a location with token_echo.

use Test::Token;
use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10 };

my $t = Test::Token->new(conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;

    location = /echo  { token_echo; token_max_message 2m; }
    location = /small { token_echo; token_max_message 1k; token_max_frames 4; }
}
EOC
$t->plan(75);

sub frame { Test::Token::Raw::frame(@_) }

sub open_raw ($path = '/echo', @headers) {
    my $raw = $t->raw;
    $raw->handshake($path, @headers) == 101 or die "handshake of $path";
    return $raw;
}

# The code with which a server closes after these bytes.
sub code_of ($bytes, $path = '/echo') {
    my $raw = open_raw($path);
    $raw->write($bytes);
    return $raw->closed;
}


# what is sent comes back

my $raw = open_raw();

for my $n (0, 1, 125, 126, 65535, 65536, 2**20) {
    my $text = join '', map { chr 32 + $_ % 90 } 1 .. $n;
    $raw->send_frame(TEXT, $text);
    my $f = $raw->read_frame;
    is($f->{opcode}, TEXT, "text of $n bytes");
    ok($f->{payload} eq $text, "comes back as it was");
}

$raw->send_frame(TEXT, 'x');
my $frame = $raw->read_frame;
is($frame->{masked}, 0, 'a server does not mask');
is($frame->{fin}, 1, 'FIN is set');
is($frame->{rsv}, 0, 'no reserved bit is set');

my $binary = join '', map { chr } 0 .. 255;
$raw->send_frame(BINARY, $binary);
$frame = $raw->read_frame;
is($frame->{opcode}, BINARY, 'binary');
ok($frame->{payload} eq $binary, 'comes back as it was');

$raw->send_frame(TEXT, "\xe2\x82\xac \xf0\x9f\x98\x80", mask => "\0\0\0\0");
is($raw->message, "\xe2\x82\xac \xf0\x9f\x98\x80", 'UTF-8, with a zero mask');

$raw->write(join '', map { frame(TEXT, $_) } 1 .. 50);
is(join(' ', map { $raw->message } 1 .. 50), join(' ', 1 .. 50),
    'fifty frames in one write, in order');


# fragments, control frames between them

$raw->write(frame(TEXT, 'one ', fin => 0) . frame(CONT, '', fin => 0)
    . frame(CONT, 'two'));
is($raw->message, 'one two', 'fragments are one message');

$raw->write(frame(TEXT, 'a', fin => 0) . frame(PING, 'between')
    . frame(CONT, 'b'));
$frame = $raw->read_frame;
is($frame->{opcode}, PONG, 'a ping between fragments is answered');
is($frame->{payload}, 'between', 'with its payload');
is($raw->message, 'ab', 'and the message is not disturbed');

$raw->send_frame(PING, 'x' x 125);
is(length $raw->read_frame->{payload}, 125, 'a ping of 125 bytes');

$raw->send_frame(PONG, 'unasked');
$raw->write(frame(TEXT, "\xe2", fin => 0) . frame(CONT, "\x82", fin => 0)
    . frame(CONT, "\xac"));
is($raw->message, "\xe2\x82\xac",
    'a pong is ignored; fragments may cut characters');

my $bytes = frame(TEXT, 'byte ', fin => 0) . frame(PING, 'p')
    . frame(CONT, 'by byte') . frame(TEXT, 'z' x 200);
$raw->write($bytes, 1);
$frame = $raw->read_frame;
is("$frame->{opcode} $frame->{payload}", '10 p', 'byte by byte: the pong');
is($raw->message, 'byte by byte', 'byte by byte: the fragments');
is($raw->message, 'z' x 200, 'byte by byte: a longer frame');


# closing

$raw->send_frame(CLOSE, pack('n', 1000) . 'bye');
is($raw->closed, 1000, 'a close frame is answered with its code');
ok($raw->ended, 'and the server ends the connection');

is(code_of(frame(CLOSE, pack 'n', 3000)), 3000, 'a code of a library');
is(code_of(frame(CLOSE, pack 'n', 4999)), 4999, 'a private code');
is(code_of(frame(CLOSE, '')), 1005, 'a close frame without a code');
like(code_of(frame(TEXT, 'x') . frame(CLOSE, pack 'n', 1001)),
    qr/^100[01]$/, 'going away');

for my $code (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000) {
    is(code_of(frame(CLOSE, pack 'n', $code)), 1002,
        "close code $code is not for the wire");
}

is(code_of(frame(CLOSE, 'x')), 1002, 'half of a code');
is(code_of(frame(CLOSE, pack('n', 1000) . "\xff")), 1007,
    'a close reason that is not UTF-8');


# what breaks the rules

is(code_of(frame(TEXT, 'x', mask => '')), 1002, 'an unmasked frame');
is(code_of(frame(TEXT, 'x', rsv => $_)), 1002, "reserved bit $_") for 1, 2, 4;
is(code_of(frame($_, 'x')), 1002, "opcode $_") for 3, 7, 11, 15;
is(code_of(frame(CONT, 'x')), 1002, 'a continuation of nothing');
is(code_of(frame(TEXT, 'x', fin => 0) . frame(TEXT, 'y')), 1002,
    'a message inside another');
is(code_of(frame(PING, 'x', fin => 0)), 1002, 'a fragmented ping');
is(code_of(frame(PING, 'x' x 126)), 1002, 'a ping of 126 bytes');
is(code_of(frame(TEXT, 'x' x 125, form => 16)), 1002,
    '16 bits where 7 would do');
is(code_of(frame(TEXT, 'x' x 65535, form => 64)), 1002,
    '64 bits where 16 would do');
is(code_of(frame(TEXT, '', form => 64, len => 1 << 63)), 1002,
    'a length with its highest bit set');

is(code_of(frame(TEXT, "\xff")), 1007, 'text that is not UTF-8');
is(code_of(frame(TEXT, "\xc0\x80")), 1007, 'an overlong form');
is(code_of(frame(TEXT, "\xed\xa0\x80")), 1007, 'a surrogate');
is(code_of(frame(TEXT, "\xe2\x82")), 1007, 'half of a character');

is(code_of(frame(TEXT, 'x' x 1025), '/small'), 1009, 'too big');
is(code_of(substr(frame(TEXT, '', form => 64, len => 1 << 40), 0, 14),
    '/small'), 1009, 'too big by its word, before any payload');
is(code_of(frame(TEXT, 'x' x 1000, fin => 0) . frame(CONT, 'x' x 25),
    '/small'), 1009, 'too big over its fragments');
like(code_of(frame(TEXT, 'x', fin => 0) . frame(CONT, 'x', fin => 0) x 8,
    '/small'), qr/^100[89]$/, 'too many fragments');

$raw = open_raw('/small');
$raw->send_frame(TEXT, 'x' x 1024);
is(length $raw->message, 1024, 'just not too big');


# the subprotocol

$raw = $t->raw;
is($raw->handshake('/echo', 'Sec-WebSocket-Protocol' => 'chat'), 101,
    'a subprotocol that is not spoken');
is($raw->header('Sec-WebSocket-Protocol') // 'none', 'none', 'is not chosen');

$raw = $t->raw;
$raw->handshake('/echo', 'Sec-WebSocket-Protocol' => 'token.v1');
is($raw->header('Sec-WebSocket-Protocol'), 'token.v1', 'token.v1 is');
$raw->send_frame(TEXT, 'works');
is($raw->message, 'works', 'and the echo works with it, too');
