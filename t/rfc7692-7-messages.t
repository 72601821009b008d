# Compressed messages, RFC 7692, 6 and 7.2: each rule by itself.  The RFC names
# no close code for data that cannot be inflated: it is 1007, since the frames
# are right, and what they hold is not (RFC 6455, 7.4.1).

use Compress::Raw::Zlib;

use Test::Token;
use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10 };
use constant RSV1 => 4;

my $t = Test::Token->new(conf => <<'EOC');
token_deflate 6;

server {
    listen 127.0.0.1:%%PORT%%;

    location = /echo  { token_echo; token_max_message 16m;
                        token_max_frames 20000; token_max_ratio 0; }
    location = /usual { token_echo; }
    location = /ratio { token_echo; token_max_ratio 10; }
    location = /few   { token_echo; token_max_frames 3; }
}
EOC
$t->plan(39);

my @OFFER = ('Sec-WebSocket-Extensions' => 'permessage-deflate');
my $TAIL = "\0\0\xff\xff";
my $BYE = frame(CLOSE, pack 'n', 1000);

sub frame { Test::Token::Raw::frame(@_) }

sub upgraded ($path = '/echo') { $t->upgraded($path, @OFFER) }
sub answer ($bytes, $path = '/echo') { $t->answer($path, $bytes, @OFFER) }
sub bytes ($hex) { pack 'H*', $hex =~ tr/ //dr }

# 7.2.1, as a client would
sub deflated ($data, %opt) {
    my ($z) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
        -AppendOutput => 1, %opt);
    $z->deflate($data, my $out = '') == Z_OK or die;
    $z->flush($out, Z_SYNC_FLUSH) == Z_OK or die;
    return substr $out, 0, -4;
}

# 7.2.2: with a window of so many bits; undef when it is not valid.  Output in
# small pieces makes zlib hold on to the window.
sub inflated ($payload, $bits = 15) {
    my ($z) = Compress::Raw::Zlib::Inflate->new(-WindowBits => -$bits,
        -LimitOutput => 1, -Bufsize => $bits < 15 ? 16 : 65536);
    my $in = $payload . $TAIL;
    my $all = '';

    for (;;) {
        my $status = $z->inflate($in, my $out);
        return if $status != Z_OK && $status != Z_BUF_ERROR;
        return $all unless length $out;
        $all .= $out;
    }
}

sub message ($opcode, $data, %opt) {
    return frame($opcode, deflated($data, %opt), rsv => RSV1);
}

# The next message of the server, inflated where it is compressed.
sub received ($raw) {
    my $f = $raw->read_frame or return 'end';
    return 'close ' . Test::Token::Raw::code($f) if $f->{opcode} == CLOSE;
    return $f->{rsv} == RSV1 ? inflated($f->{payload}) : $f->{payload};
}

# A payload that has been compressed to fragments of so many bytes.
sub fragments ($opcode, $payload, $size, $between = '') {
    my @parts = unpack "(a$size)*", $payload;
    my $last = pop @parts;
    my @frames;

    for (@parts) {
        push @frames, frame(@frames ? CONT : $opcode, $_, fin => 0,
            rsv => @frames ? 0 : RSV1);
    }
    return join $between, @frames,
        frame(@frames ? CONT : $opcode, $last, rsv => @frames ? 0 : RSV1);
}

my $json = join "\n", map { qq({"type":"record","seq":$_,"user":"u)
    . $_ % 7 . qq(","value":{"text":"message number $_ of many"}}) } 1 .. 2000;
my $noise = join '', map { pack 'N', rand 2**32 } 1 .. 16384;


# 6: framing

subtest '6 RSV1 where nothing was agreed upon' => sub {
    is($t->answer('/echo', frame($_, 'x', rsv => RSV1)), 'close(1002)',
        "opcode $_") for TEXT, BINARY;
};


subtest '6.1 a compressed message has RSV1 set' => sub {
    my $raw = upgraded();
    $raw->write(message(TEXT, $json));
    my $f = $raw->read_frame;

    is($f->{rsv}, RSV1, 'RSV1');
    is($f->{opcode}, TEXT, 'the opcode is that of the message');
    cmp_ok(length $f->{payload}, '<', length($json) / 4, 'it is smaller');
    is(inflated($f->{payload}), $json, 'and the same');
};


subtest '6 what is not compressed has not' => sub {
    my $raw = upgraded();

    $raw->write(frame(TEXT, 'plain'));
    is($raw->read_frame->{rsv}, 0, 'a short one is sent as it is');
    $raw->write(frame(BINARY, $noise));
    my $f = $raw->read_frame;
    ok($f->{rsv} == 0 && $f->{payload} eq $noise, 'so is one that grows');
};


subtest '6 plain messages between compressed ones' => sub {
    my $raw = upgraded();
    $raw->write(message(TEXT, 'a') . frame(TEXT, 'b') . message(BINARY, 'c')
        . frame(TEXT, 'd', fin => 0) . frame(CONT, 'e') . message(TEXT, 'f'));
    is(join(' ', map { received($raw) } 1 .. 5), 'a b c de f', 'in order');
};


subtest '6.1 RSV1 is for the first frame' => sub {
    my ($a, $b) = deflated('Hello') =~ /^(..)(.*)$/s;

    is(answer(frame(TEXT, $a, rsv => RSV1, fin => 0)
        . frame(CONT, $b, rsv => RSV1)), 'close(1002)', 'of a compressed one');
    is(answer(frame(TEXT, 'a', fin => 0) . frame(CONT, $b, rsv => RSV1)),
        'close(1002)', 'of one that is not');
};


subtest '6.1 RSV1 is not for control frames' => sub {
    is(answer(frame($_, deflated('x'), rsv => RSV1)), 'close(1002)',
        "opcode $_") for PING, PONG, CLOSE;
    is(answer(frame(TEXT, 'a', fin => 0, rsv => RSV1)
        . frame(PING, 'x', rsv => RSV1)), 'close(1002)', 'inside of a message');
};


subtest '6 the other reserved bits stay reserved' => sub {
    is(answer(frame(TEXT, deflated('x'), rsv => $_)), 'close(1002)',
        sprintf 'bits %03b', $_) for 1, 2, 3, 5, 6, 7;
};


subtest '6 RSV1 of an opcode that is reserved' => sub {
    is(answer(frame($_, 'x', rsv => RSV1)), 'close(1002)', "opcode $_")
        for 3, 7, 11, 15;
};


# 7.2.2: fragments

subtest '7.2.2 fragments of a compressed message' => sub {
    my $raw = upgraded();
    my $payload = deflated($json);

    for my $size (1, 2, 3, 7, 100, 4096, length $payload) {
        next if length($payload) / $size > 20000;
        $raw->write(fragments(TEXT, $payload, $size));
        ok(received($raw) eq $json, "of $size bytes");
    }
};


subtest '7.2.2 control frames between them' => sub {
    my $raw = upgraded();
    my $payload = deflated('Hello');

    $raw->write(fragments(TEXT, $payload, 1, frame(PING, 'p')));
    is($raw->read_frame->{opcode}, PONG, 'a pong') for 2 .. length $payload;
    is(received($raw), 'Hello', 'and the message');
};


subtest '7.2.2 empty fragments' => sub {
    my $raw = upgraded();

    for my $at (0 .. length deflated('Hello')) {
        my $payload = deflated('Hello');
        my $first = substr $payload, 0, $at, '';
        $raw->write(frame(TEXT, $first, rsv => RSV1, fin => 0)
            . frame(CONT, '', fin => 0) . frame(CONT, $payload, fin => 0)
            . frame(CONT, ''));
        is(received($raw), 'Hello', "at $at");
    }
};


subtest '7.2.2 in pieces of TCP' => sub {
    my $raw = upgraded();
    $raw->write(message(TEXT, $json), $_), ok(received($raw) eq $json,
        "$_ bytes at a time") for 1, 2, 3, 5, 997;
};


# 7.2.3: the examples

subtest '7.2.3.1 a compressed message, whole and in two' => sub {
    my $raw = upgraded();
    $raw->write(frame(TEXT, bytes('f2 48 cd c9 c9 07 00'), rsv => RSV1));
    is(received($raw), 'Hello', 'whole');
    $raw->write(frame(TEXT, bytes('f2 48 cd'), rsv => RSV1, fin => 0)
        . frame(CONT, bytes('c9 c9 07 00')));
    is(received($raw), 'Hello', 'in two');
};


subtest '7.2.3.2 no window is shared: client_no_context_takeover' => sub {
    is(answer(frame(TEXT, bytes('f2 48 cd c9 c9 07 00'), rsv => RSV1)
        . frame(TEXT, bytes('f2 00 11 00 00'), rsv => RSV1)),
        'data(Hello) close(1007)',
        'a second message that refers to the first cannot be inflated');

    my $raw = upgraded();
    $raw->write(frame(TEXT, bytes('f2 48 cd c9 c9 07 00'), rsv => RSV1) x 3);
    is(join(' ', map { received($raw) } 1 .. 3), 'Hello Hello Hello',
        'each by itself can');
};


subtest '7.2.3.2 nor with another connection' => sub {
    my ($one, $two) = (upgraded(), upgraded());

    $one->write(message(TEXT, 'Hello'));
    is(received($one), 'Hello', 'one has sent Hello');
    $two->write(frame(TEXT, bytes('f2 00 11 00 00'), rsv => RSV1));
    is(received($two), 'close 1007', 'another one does not get it');
};


subtest '7.2.3.3 a block that is stored' => sub {
    my $raw = upgraded();
    $raw->write(frame(TEXT, bytes('00 05 00 fa ff 48 65 6c 6c 6f 00'),
        rsv => RSV1));
    is(received($raw), 'Hello', 'the example');
    $raw->write(message(TEXT, $json, -Level => 0));
    ok(received($raw) eq $json, 'many of them');
};


subtest '7.2.3.4 a block with BFINAL' => sub {
    my $raw = upgraded();
    $raw->write(frame(TEXT, bytes('f3 48 cd c9 c9 07 00 00'), rsv => RSV1));
    is(received($raw), 'Hello', 'the example');
    $raw->write(frame(TEXT, bytes('f3 48 cd c9 c9 07 00'), rsv => RSV1));
    is(received($raw), 'Hello', 'without the byte behind it');
    $raw->write(frame(TEXT, bytes('f3 48 cd c9 c9 07 00') x 2 . "\0",
        rsv => RSV1));
    is(received($raw), 'HelloHello', 'two of them');
    is(answer(frame(TEXT, bytes('f3 48 cd c9 c9 07 00 06'), rsv => RSV1)),
        'close(1007)', 'what follows it must be right, too');
};


subtest '7.2.3.5 two blocks' => sub {
    my $raw = upgraded();
    $raw->write(frame(TEXT, bytes('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'),
        rsv => RSV1));
    is(received($raw), 'Hello', 'the example');
};


subtest '7.2.3.6 an empty message' => sub {
    for my $hex ('00', '', '02 00', '01 00 00 ff ff 00', '03 00 00') {
        my $raw = upgraded();
        $raw->write(frame(TEXT, bytes($hex), rsv => RSV1)
            . message(TEXT, 'next'));
        my $f = $raw->read_frame;
        is("$f->{opcode} $f->{payload}", TEXT . ' ', "\"$hex\"");
        is(received($raw), 'next', 'and the next one');
    }
    my $raw = upgraded();
    $raw->write(fragments(TEXT, '000' ^ '000', 1));
    is(received($raw), 'close 1007', 'two bytes of 0 too many are a block');
};


# 7.1, 7.2.1: any compressor

for my $bits (9 .. 15) {
    subtest "7.1.2.2 any compressor with a window of $bits bits" => sub {
        my $raw = upgraded();

        for my $level (0 .. 9) {
            for my $strategy (Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY,
                Z_RLE, Z_FIXED)
            {
                for my $data ('', 'x', substr($json, 0, 5000), $noise) {
                    next if length $data > 10000 && $strategy;
                    $raw->write(message(BINARY, $data, -Level => $level,
                        -Strategy => $strategy, -WindowBits => -$bits));
                    next if received($raw) eq $data;
                    fail("level $level, strategy $strategy, "
                        . length($data) . ' bytes');
                    return;
                }
            }
        }
        pass('all levels and strategies');
    };
}


subtest '7.2.1 messages of all sizes, in both directions' => sub {
    my $raw = upgraded();

    for my $n (0, 1, 125, 126, 127, 255, 256, 257, 65535, 65536, 65537,
        2**20 + 1, 2**24)
    {
        my $data = substr $json x (1 + $n / length $json), 0, $n;
        $raw->write(message(TEXT, $data), 65521);
        ok(received($raw) eq $data, "$n bytes");
    }
};


subtest '7.1.1.1 the server compresses each message by itself' => sub {
    my $raw = upgraded();
    my @frames;

    for (1 .. 3) {
        $raw->write(frame(TEXT, $json));
        push @frames, $raw->read_frame;
    }
    ok(!(grep { $_->{payload} ne $frames[0]{payload} } @frames),
        'the same again is the same bytes');
};


subtest '7.1.2.1 in a window of 2^12 bytes' => sub {
    my $raw = upgraded();
    my $far = substr($noise, 0, 5000) x 4 . $json;

    $raw->write(frame(BINARY, $far));
    my $f = $raw->read_frame;
    is($f->{rsv}, RSV1, 'compressed');
    ok((inflated($f->{payload}, 12) // '') eq $far, 'it is enough to inflate');
    ok(!defined inflated(deflated($far), 12), '(as others are not)');
};


subtest '7.2.1 the last four bytes are cut off' => sub {
    my $raw = upgraded();

    for my $n (256, 1000, 10000) {
        $raw->write(frame(TEXT, substr $json, 0, $n));
        my $f = $raw->read_frame;
        isnt(substr($f->{payload}, -4), $TAIL, "of $n bytes");
        is(substr($f->{payload}, -1), "\0", 'what is left ends with a 0');
    }
};


# what cannot be inflated

subtest '7.2.2 blocks that are wrong' => sub {
    my $dynamic = deflated($json);

    for my $case ([ 'a type that is reserved', '06' ],
        [ 'the same, with BFINAL', '07' ],
        [ 'a length that does not match', '00 05 00 00 00 48 65 6c 6c 6f 00' ],
        [ 'a distance into nothing', 'f2 00 11 00 00' ],
        [ 'too many codes', 'fc ff ff ff ff' ],
        [ 'bytes that are nothing', 'ff ff ff ff' ],
        [ 'plain text', unpack 'H*', 'Hello' ],
        [ 'a stored block that is cut', '00 05 00 fa ff 48' ],
        [ 'half of a message', unpack 'H*',
            substr $dynamic, 0, length($dynamic) / 2 ],
        [ 'a good block, then a wrong one', 'f2 48 cd c9 c9 07 00'
            . ' 00 00 ff ff 06' ])
    {
        my ($name, $hex) = @$case;
        my $payload = bytes($hex);
        is(answer(frame(TEXT, $payload, rsv => RSV1)), 'close(1007)', $name);
        is(answer(fragments(TEXT, $payload, 1 + length($payload) / 3)),
            'close(1007)', "$name, in fragments");
    }
};


subtest '7.2.2 nothing behind it is looked at' => sub {
    is(answer(frame(TEXT, 'a') . frame(TEXT, "\6", rsv => RSV1)
        . frame(TEXT, 'b') . frame(PING, 'c') . message(TEXT, 'd') . $BYE),
        'data(a) close(1007)', 'after a wrong block');
};


subtest '7.2.2 another connection is not disturbed' => sub {
    my $raw = upgraded();
    $raw->write(message(TEXT, 'before'));
    is(received($raw), 'before', 'before');

    is(answer(frame(TEXT, substr(deflated($json), 0, 1000), rsv => RSV1)),
        'close(1007)', 'one of another one is wrong');

    $raw->write(message(TEXT, 'after'));
    is(received($raw), 'after', 'after');
};


subtest 'RFC 6455, 8.1 inflated text is UTF-8' => sub {
    my $raw = upgraded();
    my $text = "\xe2\x82\xac \xf0\x9f\x98\x80" x 100;

    $raw->write(message(TEXT, $text));
    ok(received($raw) eq $text, 'text');
    $raw->write(fragments(TEXT, deflated($text), 3));
    ok(received($raw) eq $text, 'cut anywhere');
    is(answer(message(TEXT, $_)), 'close(1007)', unpack 'H*', $_)
        for "\xff", "\xc0\x80", "\xed\xa0\x80", "x\xe2\x82", "\xf4\x90\x80\x80";
    is(answer(message(TEXT, 'x' x 20000 . "\xff", -Level => 0)), 'close(1007)',
        'far behind');

    $raw->write(message(BINARY, "\xff\xfe"));
    is(received($raw), "\xff\xfe", 'binary need not be');
};


# limits

subtest '8, RFC 6455, 10.4 a message that becomes too big' => sub {
    my $raw = upgraded('/usual');

    for my $n (65535, 65536) {
        $raw->write(message(BINARY, substr $json, 0, $n));
        is(length received($raw), $n, "$n bytes are not");
    }
    is(answer(message(TEXT, substr $json, 0, 65537), '/usual'), 'close(1009)',
        '65537 bytes are');
    is(answer(fragments(TEXT, deflated(substr $json, 0, 65537), 1000),
        '/usual'), 'close(1009)', 'in fragments, too');
    is(answer(message(TEXT, $json), '/usual'), 'close(1009)',
        'one that is much bigger');
    is(answer(substr(frame(TEXT, '', rsv => RSV1, form => 64, len => 2**40),
        0, 14), '/usual'), 'close(1009)', 'by its word');
};


subtest '8 one that does not shrink has the same limit' => sub {
    my $raw = upgraded('/usual');

    for my $level (0, 1, 9) {
        my $frame = message(BINARY, $noise, -Level => $level);
        cmp_ok(length $frame, '>', 65536, 'is more than 64k on the wire');
        $raw->write($frame);
        ok(received($raw) eq $noise, "at the limit, level $level");
        is(answer(message(BINARY, "x$noise", -Level => $level), '/usual'),
            'close(1009)', 'one byte more');
    }
};


subtest '8 a message that is compressed too much' => sub {
    my $raw = upgraded('/usual');
    $raw->write(message(TEXT, 'a' x 16384));
    is(length received($raw), 16384, '16k are always allowed');
    is(answer(message(TEXT, 'a' x 65536), '/usual'), 'close(1009)',
        '64k of one letter are not');

    $raw = upgraded();
    $raw->write(message(TEXT, 'a' x 2**24));
    is(length received($raw), 2**24, 'where there is no limit they are');

    $raw = upgraded('/ratio');
    $raw->write(message(TEXT, substr $json, 0, 16384));
    is(length received($raw), 16384, 'another limit: 16k');
    is(answer(message(TEXT, 'ab cd efgh ijk ' x 2000), '/ratio'),
        'close(1009)', 'and more');
};


subtest '8 a bomb ends where it reaches the limit' => sub {
    my $bomb = deflated('a' x 50_000_000);

    is(answer(frame(TEXT, $bomb, rsv => RSV1), '/usual'), 'close(1009)',
        length($bomb) . ' bytes of 50 MB');
    is(answer(fragments(TEXT, $bomb, 1000), '/usual'), 'close(1009)',
        'in fragments');
};


subtest '5.4 of RFC 6455 holds: fragments are counted' => sub {
    my $raw = upgraded('/few');
    my $payload = deflated('Hello');

    $raw->write(fragments(TEXT, $payload, 3));
    is(received($raw), 'Hello', 'three');
    is(answer(fragments(TEXT, $payload, 2), '/few'), 'close(1008)', 'four');
};
