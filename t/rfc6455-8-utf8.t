# Text is UTF-8, RFC 6455, 5.6 and 8.1; as RFC 3629 has it.  Errors are found at
# the first byte that cannot become valid, wherever the cuts are.

use Test::Token;
use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10 };

my $t = Test::Token->new(conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;

    location = /echo { token_echo; token_max_message 1m; }
}
EOC

# each: what is still right of it, and the byte that is not
my @invalid = (
    [ 'a lone continuation byte' => '', '80' ],
    [ 'the last one of them' => '', 'bf' ],
    [ 'five of them' => '', '8081828384' ],
    [ 'one behind a character' => 'c3a9', 'a9' ],
    [ 'a first byte of two, then ASCII' => 'c3', '20' ],
    [ 'a first byte of three, then ASCII' => 'e1', '20' ],
    [ 'a first byte of three, a second, then ASCII' => 'e180', '20' ],
    [ 'a first byte of four, then ASCII' => 'f1', '20' ],
    [ 'a first byte of four, two more, then ASCII' => 'f18080', '20' ],
    [ 'a first byte behind a first byte' => 'c3', 'c3' ],
    [ 'overlong / in two' => '', 'c0af' ],
    [ 'overlong 7f in two' => '', 'c1bf' ],
    [ 'overlong 0 in two' => '', 'c080' ],
    [ 'overlong / in three' => 'e0', '80af' ],
    [ 'overlong 7ff in three' => 'e0', '9fbf' ],
    [ 'overlong / in four' => 'f0', '8080af' ],
    [ 'overlong ffff in four' => 'f0', '8fbfbf' ],
    [ 'overlong / in five' => '', 'f8808080af' ],
    [ 'overlong / in six' => '', 'fc80808080af' ],
    [ 'the first high surrogate' => 'ed', 'a080' ],
    [ 'the last high surrogate' => 'ed', 'afbf' ],
    [ 'the first low surrogate' => 'ed', 'b080' ],
    [ 'the last low surrogate' => 'ed', 'bfbf' ],
    [ 'a pair of surrogates' => 'ed', 'a081edb080' ],
    [ '110000' => 'f4', '908080' ],
    [ '13ffff' => 'f4', 'bfbfbf' ],
    [ '140000' => '', 'f5808080' ],
    [ '1fffff' => '', 'f7bfbfbf' ],
    [ 'five bytes' => '', 'f888808080' ],
    [ 'six bytes' => '', 'fc8480808080' ],
    [ 'fe' => '', 'fe' ],
    [ 'ff' => '', 'ff' ],
    [ 'fe ff' => '', 'feff' ],
    [ 'Latin-1' => '46', 'fc7265' ],
);

my @cut = qw/ c3 e2 e282 e1 f0 f09f f09f98 ed ed9f f4 f48f f48fbf /;

$t->plan(12 + @invalid);

sub frame { Test::Token::Raw::frame(@_) }
sub answer ($bytes) { $t->answer('/echo', $bytes) }
sub bytes ($hex) { pack 'H*', $hex }

# The bytes of a code point; not by utf8::encode, which minds some of them.
sub char ($n) {
    my $rest = sub ($shift) { chr($n >> $shift & 0x3f | 0x80) };

    return $n < 0x80 ? chr $n
        : $n < 0x800 ? chr($n >> 6 | 0xc0) . $rest->(0)
        : $n < 0x10000 ? chr($n >> 12 | 0xe0) . $rest->(6) . $rest->(0)
        : chr($n >> 18 | 0xf0) . $rest->(12) . $rest->(6) . $rest->(0);
}

# A frame of which only the beginning comes.
sub begun ($opcode, $payload, $len, %opt) {
    my $frame = frame($opcode, $payload . 'x' x ($len - length $payload), %opt);
    return substr $frame, 0, length($frame) - $len + length $payload;
}


subtest '5.6, 8.1 the first and the last character of each length' => sub {
    my $raw = $t->upgraded('/echo');

    for my $n (0, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000,
        0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000,
        0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff,
        # noncharacters are characters, here
        0xfdd0, 0xfdef, map { ($_ << 16 | 0xfffe, $_ << 16 | 0xffff) } 1 .. 16)
    {
        $raw->send_frame(TEXT, char($n));
        is($raw->message, char($n), sprintf 'U+%04X', $n);
    }
};


subtest '5.6, 8.1 all characters but surrogates' => sub {
    my $raw = $t->upgraded('/echo');
    my @all = map { char($_) } 0 .. 0xd7ff, 0xe000 .. 0x10ffff;

    while (my @some = splice @all, 0, 200_000) {
        my $text = join '', @some;
        $raw->send_frame(TEXT, $text);
        ok($raw->message eq $text, length($text) . ' bytes');
    }
};


my @texts = ("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    "\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xed\x9f\xbf",
    'ASCII that is longer than a word, ' . "\xc3\xa9" . ', and then more');

subtest '5.4, 5.6 fragments may cut a character anywhere' => sub {
    my $raw = $t->upgraded('/echo');

    for my $text (@texts) {
        for my $at (0 .. length $text) {
            $raw->write(frame(TEXT, substr($text, 0, $at), fin => 0)
                . frame(PING, "\xff") . frame(CONT, substr $text, $at));
            ok($raw->message eq $text, "at $at");
        }
        my @parts = split //, $text;
        $raw->write(frame(TEXT, '', fin => 0)
            . join('', map { frame(CONT, $_, fin => 0) } @parts)
            . frame(CONT, ''));
        ok($raw->message eq $text, 'everywhere');
    }
};


subtest '5.6 so may TCP' => sub {
    my $raw = $t->upgraded('/echo');

    for my $text (@texts) {
        for my $step (1, 2, 3, 5, 8) {
            $raw->write(frame(TEXT, $text), $step);
            ok($raw->message eq $text, "$step bytes at a time");
        }
    }
};


for (@invalid) {
    my ($name, $right, $wrong) = @$_;
    my ($good, $bad) = (bytes($right), bytes($wrong));
    my $first = substr $bad, 0, 1;

    subtest "8.1 $name" => sub {
        is(answer(frame(TEXT, $good . $bad)), 'close(1007)', 'by itself');
        is(answer(frame(TEXT, 'some ASCII before it: ' . $good . $bad
            . ', and behind')), 'close(1007)', 'inside of a text');
        is(answer(frame(TEXT, 'x', fin => 0) . frame(CONT, $good, fin => 0)
            . frame(CONT, $bad)), 'close(1007)', 'in another fragment');

        # at once: neither the frame nor the message is complete
        is(answer(frame(TEXT, $good . $first, fin => 0)), 'close(1007)',
            'before the message is complete');
        is(answer(begun(TEXT, $good . $first, 1000)), 'close(1007)',
            'before the frame is complete');
        is(answer(frame(TEXT, $good, fin => 0)
            . begun(CONT, $first, 1000)), 'close(1007)',
            'before the second frame is complete');

        # and not sooner
        my $raw = $t->upgraded('/echo');
        $raw->write(frame(TEXT, $good, fin => 0) . frame(PING, 'well'));
        my $f = $raw->read_frame;
        is($f && $f->{opcode}, PONG, 'what comes before it is right');
        $raw->write(frame(CONT, $first));
        is($raw->rest, 'close(1007)', 'until it comes');

        is(answer(frame(BINARY, $good . $bad)
            . frame(CLOSE, pack 'n', 1000)), "data($good$bad) close(1000)",
            'is binary, though');
    };
}


subtest '8.1 a text does not end inside of a character' => sub {
    for (@cut) {
        is(answer(frame(TEXT, bytes($_))), 'close(1007)', "$_ by itself");
        is(answer(frame(TEXT, 'x' x 20 . bytes($_))), 'close(1007)',
            "$_ behind ASCII");
        is(answer(frame(TEXT, bytes($_), fin => 0) . frame(CONT, '')),
            'close(1007)', "$_ before an empty last fragment");
    }
};


subtest '8.1 nor is it carried into the next text' => sub {
    is(answer(frame(TEXT, "\xc3") . frame(TEXT, "\xa9")), 'close(1007)',
        'half a character in each');
};


subtest '8.1 nor into a control frame, or a binary message' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->write(frame(TEXT, "\xc3", fin => 0) . frame(PING, "\xa9")
        . frame(CONT, "\xa9"));
    is($raw->message, "\xc3\xa9", 'a ping is not part of a text');
    $raw->write(frame(BINARY, "\xc3") . frame(TEXT, 'x'));
    is($raw->message, "\xc3", 'binary');
    is($raw->message, 'x', 'leaves nothing behind');
};


subtest '8.1 the beginning of a character is no error yet' => sub {
    for (@cut) {
        my $raw = $t->upgraded('/echo');
        $raw->write(begun(TEXT, bytes($_), 100));
        $raw->end;

        $raw = $t->upgraded('/echo');
        $raw->write(frame(TEXT, bytes($_), fin => 0) . frame(PING, 'well'));
        my $f = $raw->read_frame;
        is($f && $f->{opcode}, PONG, "$_, cut there");
    }
};


subtest '8.1 a wrong byte at any place of a long text' => sub {
    for my $at (0 .. 17, 63, 64, 65, 127, 1000, 4095, 4096, 65535) {
        my $text = 'x' x 65536;
        substr $text, $at, 1, "\xff";
        is(answer(begun(TEXT, substr($text, 0, $at + 1), 65536)),
            'close(1007)', "at $at");
    }
};


subtest '8.1 of wrong text, and a wrong frame behind it' => sub {
    is(answer(frame(TEXT, "\xff", fin => 0) . frame(TEXT, 'x')),
        'close(1007)', 'the first counts');
    is(answer(frame(TEXT, "x\xc3", fin => 0) . frame(TEXT, 'x')),
        'close(1002)', 'what could have become right does not');
};


subtest '7.4.1, 8.1 the code of wrong text is 1007' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->send_frame(TEXT, "\xff");
    my $f = $raw->read_frame;
    is($f->{opcode}, CLOSE, 'a close frame');
    is(unpack('n', $f->{payload}), 1007, 'its code');
    like(substr($f->{payload}, 2), qr/^[\x20-\x7e]{1,123}$/, 'and a reason');
};


subtest '8.1 the text of a server is UTF-8 as well' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->send_frame(TEXT, "\xf0\x9f\x98\x80" x 1000);
    my $f = $raw->read_frame;
    ok($f->{opcode} == TEXT && utf8::decode(my $copy = $f->{payload}),
        'it is decoded');
};
