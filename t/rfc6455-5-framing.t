# Frames, RFC 6455, 5.1 to 5.6: each rule by itself.

use Test::Token;
use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10 };

my $t = Test::Token->new(conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;

    location = /echo { token_echo; token_max_message 1m; }
}
EOC
$t->plan(30);

my %name = (CONT, 'continuation', TEXT, 'text', BINARY, 'binary',
    CLOSE, 'close', PING, 'ping', PONG, 'pong');

sub frame { Test::Token::Raw::frame(@_) }

# What comes back for these bytes, until the connection ends.
sub answer ($bytes) { $t->answer('/echo', $bytes) }

# A close frame that goes behind what must not fail.
my $bye = frame(CLOSE, pack 'n', 1000);


# 5.1

subtest '5.1 every frame of a client is masked' => sub {
    is(answer(frame($_, '', mask => '')), 'close(1002)', "$name{$_}, empty")
        for TEXT, BINARY, PING, PONG, CLOSE;
    is(answer(frame($_, 'xy', mask => '')), 'close(1002)', $name{$_})
        for TEXT, BINARY, PING, PONG, CLOSE;
    is(answer(frame(TEXT, 'x', fin => 0) . frame(CONT, 'y', mask => '')),
        'close(1002)', 'continuation');
    is(answer(frame(TEXT, 'x') . frame(TEXT, 'y', mask => '')),
        'data(x) close(1002)', 'the second one');
};


subtest '5.1 no frame of the server is' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->write(frame(TEXT, 'a') . frame(BINARY, 'b' x 200)
        . frame(BINARY, 'c' x 70000) . frame(PING, 'd') . $bye);

    for my $opcode (TEXT, BINARY, BINARY, PONG, CLOSE) {
        my $f = $raw->read_frame;
        is("$f->{opcode} $f->{masked}", "$opcode 0", $name{$opcode});
    }
};


# 5.2

subtest '5.2 reserved bits' => sub {
    for my $opcode (TEXT, BINARY, CLOSE, PING, PONG) {
        is(answer(frame($opcode, '', rsv => $_)), 'close(1002)',
            sprintf '%s with %03b', $name{$opcode}, $_) for 1 .. 7;
    }
    is(answer(frame(TEXT, 'x', fin => 0) . frame(CONT, 'y', rsv => $_)),
        'close(1002)', sprintf 'continuation with %03b', $_) for 1 .. 7;
};


subtest '5.2 a reserved bit after what is right' => sub {
    is(answer(frame(TEXT, 'x') . frame(TEXT, 'y', rsv => 4)
        . frame(PING, 'z')), 'data(x) close(1002)',
        'what was before is answered, what is behind is not');
};


for my $opcode (3 .. 7, 11 .. 15) {
    subtest "5.2 opcode $opcode is reserved" => sub {
        is(answer(frame($opcode)), 'close(1002)', 'empty');
        is(answer(frame($opcode, 'x')), 'close(1002)', 'with a payload');
        is(answer(frame($opcode, 'x', fin => 0)), 'close(1002)', 'without FIN');
        is(answer(frame(TEXT, 'a', fin => 0) . frame($opcode, 'b')),
            'close(1002)', 'inside a message');
        is(answer(frame(PING, 'a') . frame($opcode, 'b') . frame(PING, 'c')),
            'pong(a) close(1002)', 'between others');
        is(answer(substr frame($opcode, 'x' x 50), 0, 2), 'close(1002)',
            'is known by the first two bytes');
    };
}


subtest '5.2 a length has its shortest form' => sub {
    is(answer(frame(BINARY, 'x' x $_, form => 16)), 'close(1002)',
        "$_ in 16 bits") for 0, 1, 125;
    is(answer(frame(BINARY, 'x' x $_, form => 64)), 'close(1002)',
        "$_ in 64 bits") for 0, 1, 125, 126, 65535;

    for my $n (125, 126, 65535, 65536) {
        my $raw = $t->upgraded('/echo');
        $raw->send_frame(BINARY, 'x' x $n);
        is(length $raw->message, $n, "$n as it is");
    }
};


subtest '5.2 the highest bit of a length is 0' => sub {
    my $head = sub ($n) { substr frame(BINARY, '', form => 64, len => $n), 0, 14 };

    is(answer($head->(1 << 63)), 'close(1002)', '2^63');
    is(answer($head->(~0)), 'close(1002)', '2^64 - 1');
    is(answer($head->((1 << 63) - 1)), 'close(1009)', '2^63 - 1 is a length');
};


# 5.3

subtest '5.3 any masking key' => sub {
    my $raw = $t->upgraded('/echo');
    my $data = join '', map { chr } 0 .. 255;

    for my $mask ("\0\0\0\0", "\xff\xff\xff\xff", "\1\2\3\4", "\0\0\0\xff") {
        $raw->send_frame(BINARY, $data, mask => $mask);
        ok($raw->message eq $data, 'the key ' . unpack 'H*', $mask);
    }

    my $same = 1;
    for (1 .. 50) {
        my $mask = pack 'N', rand 2**32;
        my $part = substr $data, 0, rand 256;
        $raw->send_frame(BINARY, $part, mask => $mask);
        $same &&= $raw->message eq $part;
    }
    ok($same, 'another one for each frame');
};


subtest '5.3 the key goes on over the cuts of TCP' => sub {
    my $raw = $t->upgraded('/echo');
    my $data = join '', map { chr($_ * 4) } 1 .. 61;

    for my $step (1 .. 17) {
        $raw->write(frame(BINARY, $data, mask => "\x11\x22\x44\x88"), $step);
        ok($raw->message eq $data, "$step bytes at a time");
    }
};


# 5.4

subtest '5.4 fragments are one message' => sub {
    my $raw = $t->upgraded('/echo');

    for my $opcode (TEXT, BINARY) {
        for my $parts ([ 'a', 'b' ], [ '', '' ], [ '', 'b' ], [ 'a', '' ],
            [ '', 'b', '' ], [ 'a', '', '', 'b' ], [ split //, 'x' x 100 ],
            [ 'x' x 126, 'y' x 65536, 'z' ], [ ('') x 50, 'x' ])
        {
            my @parts = @$parts;
            my $last = pop @parts;
            my $first = shift @parts;
            $raw->write(join '', frame($opcode, $first, fin => 0),
                map({ frame(CONT, $_, fin => 0) } @parts), frame(CONT, $last));

            my $f = $raw->read_frame;
            ok($f->{payload} eq join('', @$parts) && $f->{opcode} == $opcode
                && $f->{fin}, sprintf '%s in %d', $name{$opcode},
                scalar @$parts);
        }
    }
};


subtest '5.4 control frames between fragments' => sub {
    my $raw = $t->upgraded('/echo');
    my @parts = map { "part $_ " } 1 .. 9;

    $raw->write(frame(TEXT, 'part 0 ', fin => 0)
        . join('', map { frame(PING, $_) . frame(PONG, $_)
            . frame(CONT, $_, fin => 0) } @parts) . frame(CONT, 'end'));

    is($raw->read_frame->{payload}, $_, "the pong of $_") for @parts;
    is($raw->message, join('', 'part 0 ', @parts, 'end'), 'and the message');
};


subtest '5.4 a ping is answered before the message is complete' => sub {
    my $raw = $t->upgraded('/echo');

    $raw->write(frame(TEXT, 'a', fin => 0) . frame(PING, 'now'));
    my $f = $raw->read_frame;
    is("$f->{opcode} $f->{payload}", PONG . ' now', 'the pong');
    $raw->write(frame(CONT, 'b'));
    is($raw->message, 'ab', 'then the message');
};


subtest '5.4 a continuation continues something' => sub {
    for my $fin (0, 1) {
        my @fin = (fin => $fin);
        is(answer(frame(CONT, 'x', @fin)), 'close(1002)', "FIN $fin: at first");
        is(answer(frame(CONT, '', @fin)), 'close(1002)', "FIN $fin: empty");
        is(answer(frame(TEXT, 'a') . frame(CONT, 'x', @fin)),
            'data(a) close(1002)', "FIN $fin: after a message");
        is(answer(frame(TEXT, 'a', fin => 0) . frame(CONT, 'b')
            . frame(CONT, 'x', @fin)), 'data(ab) close(1002)',
            "FIN $fin: after a fragmented message");
        is(answer(frame(PING, 'a') . frame(CONT, 'x', @fin)),
            'pong(a) close(1002)', "FIN $fin: after a control frame");
    }
};


subtest '5.4 messages are not mixed' => sub {
    for my $new (TEXT, BINARY) {
        for my $fin (0, 1) {
            is(answer(frame(TEXT, 'a', fin => 0) . frame($new, 'b', fin => $fin)
                . frame(CONT, 'c')), 'close(1002)', "$name{$new}, FIN $fin");
        }
    }
    is(answer(frame(TEXT, '', fin => 0) . frame(TEXT, '')), 'close(1002)',
        'empty ones');
};


subtest '5.4 one message after the other' => sub {
    is(answer(frame(TEXT, 'a', fin => 0) . frame(CONT, 'b') . frame(TEXT, 'c')
        . frame(BINARY, 'd', fin => 0) . frame(CONT, 'e') . $bye),
        'data(ab) data(c) data(de) close(1000)', 'in order');
};


# 5.5

subtest '5.5 control frames are not fragmented' => sub {
    is(answer(frame($_, '', fin => 0)), 'close(1002)', $name{$_})
        for CLOSE, PING, PONG;
    is(answer(frame(PING, 'a', fin => 0) . frame(CONT, 'b')), 'close(1002)',
        'a ping in two');
};


subtest '5.5 control frames have at most 125 bytes' => sub {
    for my $opcode (CLOSE, PING, PONG) {
        is(answer(frame($opcode, 'x' x 126)), 'close(1002)',
            "$name{$opcode} of 126");
        is(answer(substr frame($opcode, '', form => 64, len => 65536), 0, 2),
            'close(1002)', "$name{$opcode} of 65536, known by two bytes");
        is(answer(frame($opcode, 'x' x 5, form => 16)), 'close(1002)',
            "$name{$opcode} of 5 in 16 bits");
    }
    is(answer(frame(PING, 'x' x 125) . frame(PONG, 'x' x 125) . $bye),
        'pong(' . 'x' x 125 . ') close(1000)', '125 are allowed');
};


subtest '5.5.2, 5.5.3 a pong has the payload of its ping' => sub {
    my $raw = $t->upgraded('/echo');

    for my $payload ('', 'x', "\0", "\xff\xfe not UTF-8", 'x' x 124, 'y' x 125)
    {
        for my $step (1, 1000) {
            $raw->write(frame(PING, $payload), $step);
            my $f = $raw->read_frame;
            ok($f->{opcode} == PONG && $f->{payload} eq $payload && $f->{fin},
                length($payload) . " bytes, $step at a time");
        }
    }
};


subtest '5.5.2 many pings, in order' => sub {
    my $raw = $t->upgraded('/echo');

    $raw->write(join '', map { frame(PING, "ping $_") } 1 .. 1000);
    is(join(' ', map { $raw->read_frame->{payload} } 1 .. 1000),
        join(' ', map { "ping $_" } 1 .. 1000), '1000 in one write');

    $raw->write(frame(PING, $_) . frame(TEXT, $_)) for 1 .. 10;
    is(join(' ', map { $raw->read_frame->{opcode} } 1 .. 20),
        join(' ', (PONG, TEXT) x 10), 'and messages between them');
};


subtest '5.5.3 a pong that nobody asked for is not answered' => sub {
    is(answer(frame(PONG) . frame(PONG, 'x') . frame(TEXT, 'a', fin => 0)
        . frame(PONG, 'y' x 125) . frame(CONT, 'b') . frame(PONG) . $bye),
        'data(ab) close(1000)', 'anywhere');
};


# 5.6

subtest '5.6 text and binary' => sub {
    my $raw = $t->upgraded('/echo');

    for my $opcode (TEXT, BINARY) {
        $raw->send_frame($opcode, $_) for '', 'x';
        for ('', 'x') {
            my $f = $raw->read_frame;
            is("$f->{opcode} $f->{payload} $f->{fin} $f->{rsv}",
                "$opcode $_ 1 0", "$name{$opcode}: \"$_\"");
        }
    }

    my $bytes = join '', map { chr } reverse 0 .. 255;
    $raw->send_frame(BINARY, $bytes x 10);
    ok($raw->message eq $bytes x 10, 'any bytes are binary');
};
