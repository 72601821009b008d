# Sending and receiving, RFC 6455, 5.2, 6 and 10.4: messages of all sizes, in
# all kinds of pieces, and the limits.

use Test::Token;
use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10 };

my $t = Test::Token->new(conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;

    location = /echo  { token_echo; token_max_message 16m;
                        token_max_frames 20000; }
    location = /small { token_echo; token_max_message 1k; token_max_frames 4; }
    location = /usual { token_echo; }
}
EOC
$t->plan(37);

my %name = (TEXT, 'text', BINARY, 'binary');
my @chops = (1, 2, 3, 5, 7, 13);

sub frame { Test::Token::Raw::frame(@_) }

# Bytes without a period that fits to anything; ASCII for text.
sub data ($opcode, $n) {
    my @all = $opcode == TEXT ? (32 .. 122) : (0 .. 250);
    my $period = pack 'C*', map { $all[$_ * $_ % @all] } 1 .. 9973;
    return substr $period x (1 + $n / 9973), 0, $n;
}

# What comes back when the bytes are written in pieces of these sizes, again
# and again.
sub chopped ($raw, $bytes, @sizes) {
    my $pos = 0;

    while ($pos < length $bytes) {
        push @sizes, my $n = shift @sizes;
        $raw->write(substr $bytes, $pos, $n);
        $pos += $n;
    }
    return scalar $raw->read_frame;
}

sub same ($frame, $opcode, $data, $name) {
    ok($frame && $frame->{fin} && $frame->{opcode} == $opcode
        && $frame->{payload} eq $data, $name);
}

# The head of a frame whose payload does not come.
sub head ($opcode, $len, %opt) {
    my $frame = frame($opcode, '', len => $len, %opt);
    return substr $frame, 0, $len < 126 ? 6 : $len < 65536 ? 8 : 14;
}


for my $opcode (TEXT, BINARY) {
    my $raw = $t->upgraded('/echo');

    subtest "5.2, 6.2 $name{$opcode} of all small sizes" => sub {
        for my $n (0 .. 300) {
            my $data = data($opcode, $n);
            $raw->send_frame($opcode, $data);
            my $f = $raw->read_frame;
            next if $f && $f->{opcode} == $opcode && $f->{payload} eq $data;
            fail("$n bytes");
            return;
        }
        pass('0 to 300 bytes');
    };

    for my $n (0, 1, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537) {
        subtest "5.2, 6.2 $name{$opcode} of $n bytes" => sub {
            my $data = data($opcode, $n);
            my $frame = frame($opcode, $data);

            same(chopped($raw, $frame, length $frame), $opcode, $data, 'whole');

            # byte by byte where that is quick, else the head, and odd pieces
            my @sizes = $n < 1000 ? (1) : ((1) x 20, 4093, 8191, 1, 16381);
            same(chopped($raw, $frame, @sizes), $opcode, $data,
                $n < 1000 ? 'byte by byte' : 'the head byte by byte');
            same(chopped($raw, $frame, map { $_ * int(1 + $n / 1000) } @chops),
                $opcode, $data, 'in odd pieces');
        };
    }
}


subtest '6.2 1 MiB in odd pieces' => sub {
    my $raw = $t->upgraded('/echo');
    my $data = data(BINARY, 2**20);

    same(chopped($raw, frame(BINARY, $data), $_, 1), BINARY, $data,
        "$_ and 1 bytes at a time") for 997, 4099, 65521, 131101;
};


subtest '6.2 16 MiB' => sub {
    for my $opcode (TEXT, BINARY) {
        my $raw = $t->upgraded('/echo');
        my $data = data($opcode, 2**24);

        same(chopped($raw, frame($opcode, $data), 65521, 1, 262147), $opcode,
            $data, "$name{$opcode}, in odd pieces");
        $raw->send_frame($opcode, 'next');
        is($raw->message, 'next', 'and the connection goes on');
    }
};


subtest '5.4, 6.2 4 MiB in fragments' => sub {
    my $data = data(TEXT, 2**22);

    for my $size (257, 1024, 65535, 65536, 2**20 + 1) {
        my $raw = $t->upgraded('/echo');
        my @parts = unpack "(a$size)*", $data;
        my $last = pop @parts;
        my $opcode = TEXT;

        $raw->write(join '', (map { my $f = frame($opcode, $_, fin => 0);
            $opcode = CONT; $f } @parts), frame(CONT, $last));
        same(scalar $raw->read_frame, TEXT, $data, "of $size bytes");
    }
};


subtest '6.1, 6.2 many messages, one after the other' => sub {
    for my $n (0, 16, 1000, 4096) {
        my $raw = $t->upgraded('/echo');
        my $data = data(BINARY, $n);
        my $good = 0;

        for (1 .. 500) {
            $raw->send_frame(BINARY, $data);
            $good += $raw->message eq $data;
        }
        is($good, 500, "of $n bytes");
    }
};


subtest '6.1, 6.2 many messages at once' => sub {
    my $raw = $t->upgraded('/echo');
    my @texts = map { data(TEXT, $_ * 37 % 400) . " $_" } 1 .. 1000;

    $raw->write(join '', map { frame(TEXT, $_) } @texts);
    ok(!(grep { $raw->message ne $_ } @texts), 'come back in order');
};


subtest '10.4 a message at the limit, and one above' => sub {
    my $raw = $t->upgraded('/small');

    for my $opcode (TEXT, BINARY) {
        $raw->send_frame($opcode, 'x' x 1024);
        is(length $raw->message, 1024, "$name{$opcode} at the limit");
        $raw->write(frame($opcode, 'x' x 1000, fin => 0)
            . frame(CONT, 'x' x 24));
        is(length $raw->message, 1024, 'in two fragments');
        is($t->answer('/small', frame($opcode, 'x' x 1025)), 'close(1009)',
            'one byte more');
        is($t->answer('/small', frame($opcode, 'x' x 1000, fin => 0)
            . frame(CONT, 'x' x 25)), 'close(1009)', 'in two fragments');
    }
    $raw = $t->upgraded('/usual');
    $raw->send_frame(TEXT, 'x' x 65536);
    is(length $raw->message, 65536, '64k, if not configured');
    is($t->answer('/usual', head(TEXT, 65537)), 'close(1009)', 'not more');
};


subtest '10.4 a length alone is enough to refuse' => sub {
    is($t->answer('/small', head(BINARY, $_)), 'close(1009)', "$_ bytes")
        for 1025, 65535, 65536, 2**32, 2**40, 2**62;
    is($t->answer('/small', frame(BINARY, 'x', fin => 0)
        . head(CONT, 2**62)), 'close(1009)', 'of the second fragment');
    is($t->answer('/small', frame(TEXT, 'before') . head(TEXT, 1025)),
        'data(before) close(1009)', 'what was before is answered');
};


subtest '10.4 no sum of lengths goes round' => sub {
    is($t->answer('/small', frame(BINARY, 'x' x 1000, fin => 0)
        . head(CONT, (1 << 63) - 1)), 'close(1009)', '2^63 - 1 behind 1000');
};


subtest '10.4 control frames count for no limit' => sub {
    my $raw = $t->upgraded('/small');

    $raw->write(frame(TEXT, 'x' x 1000, fin => 0)
        . frame(PONG, 'y' x 125) x 50 . frame(CONT, 'z' x 24));
    is(length $raw->message, 1024, 'nor do they in between');
};


subtest '10.4 the limit is of one message' => sub {
    my $raw = $t->upgraded('/small');

    for (1 .. 5) {
        $raw->write(frame(TEXT, 'x' x 512, fin => 0) . frame(CONT, 'x' x 512));
        is(length $raw->message, 1024, "message $_");
    }
};


subtest '5.4, 10.4 fragments are counted' => sub {
    my $four = frame(TEXT, 'a', fin => 0) . frame(CONT, '', fin => 0) x 2;
    my $raw = $t->upgraded('/small');

    $raw->write($four . frame(CONT, 'd')) for 1, 2;
    is($raw->message, 'ad', 'four are allowed') for 1, 2;
    is($t->answer('/small', $four . frame(CONT, '', fin => 0)
        . frame(CONT, 'd')), 'close(1008)', 'five are not');
};
