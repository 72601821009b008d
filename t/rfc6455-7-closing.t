# Closing, RFC 6455, 5.5.1 and 7: each rule by itself.

use Test::Token;
use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10 };

my $t = Test::Token->new(conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;

    location = /echo  { token_echo; token_max_message 1m; }
    location = /short { token_echo; token_session_time 1s; }
}
EOC
$t->plan(20);

sub frame { Test::Token::Raw::frame(@_) }

sub close_frame ($code, $reason = '') {
    return frame(CLOSE, pack('n', $code) . $reason);
}

sub answer ($bytes) { $t->answer('/echo', $bytes) }

# The end of a session as the module has logged it.
sub logged ($regex) {
    return wait_for(sub { $t->log =~ /token session \w+ of "" ended: $regex/ });
}


# 5.5.1

subtest '5.5.1 a close frame is answered with one, and its code' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->write(close_frame(1000, 'bye'));
    my $f = $raw->read_frame;

    is($f->{opcode}, CLOSE, 'a close frame');
    is($f->{payload}, pack('n', 1000), 'with the code');
    is("$f->{fin} $f->{rsv} $f->{masked}", '1 0 0', 'as the rules are');
    ok($raw->ended, '7.1.1 and the server ends the connection');
    is($raw->{in}, '', 'without another byte');
};


subtest '5.5.1 a close frame without a code' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->write(frame(CLOSE));
    my $f = $raw->read_frame;

    is("$f->{opcode} $f->{payload}", CLOSE . ' ', 'is answered without a code');
    ok($raw->ended, 'and the server ends the connection');
};


subtest '5.5.1 a close frame with half a code' => sub {
    is(answer(frame(CLOSE, $_)), 'close(1002)', 'the byte ' . unpack 'H*', $_)
        for "\x03", "\0", "\xff";
};


subtest '5.5.1 a reason is UTF-8' => sub {
    is(answer(close_frame(1000, $_)), 'close(1000)', length($_) . ' bytes')
        for 'x', 'x' x 123, "\xce\xba\xe1\xbd\xb9\xcf\x83", "\xf0\x9f\x98\x80",
        "\0", "\xc3\xa9" x 61;
    is(answer(close_frame(1000, $_)), 'close(1007)', unpack 'H*', $_)
        for "\xff", "\xce", "\xe2\x82", "x\xc0\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", 'x' x 122 . "\xc3";
};


subtest '5.5.1 a close frame is as short as any control frame' => sub {
    is(answer(close_frame(1000, 'x' x 124)), 'close(1002)', '126 bytes');
};


subtest '5.5.1 nothing is said after a close frame' => sub {
    is(answer(frame(TEXT, 'a') . close_frame(1000) . frame(TEXT, 'b')),
        'data(a) close(1000)', 'a message behind it is not answered');
    is(answer(close_frame(1000) . frame(PING, 'b')), 'close(1000)',
        'nor a ping');
    is(answer(close_frame(1000) . close_frame(1001)), 'close(1000)',
        'nor another close frame');
    is(answer(close_frame(1001) . "\xff" x 100), 'close(1001)',
        'nor is it looked at');
    is(answer(close_frame(1001) . frame(TEXT, "\xff")), 'close(1001)',
        'nor is it text');
};


subtest '5.4, 5.5.1 a close frame inside of a message' => sub {
    is(answer(frame(TEXT, 'a', fin => 0) . close_frame(1000)
        . frame(CONT, 'b')), 'close(1000)', 'ends it');
};


subtest '5.5.1 a close frame in pieces' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->write(close_frame(4321, 'piece by piece'), 1);
    is($raw->rest, 'close(4321)', 'is answered when it is whole');
};


# 7.1

subtest '7.1.1 the server ends TCP first, also after an error' => sub {
    for my $case ([ 1002, frame(TEXT, 'x', mask => '') ],
        [ 1007, frame(TEXT, "\xff") ], [ 1009, frame(TEXT, 'x' x 2**20 . 'x') ])
    {
        my ($code, $bytes) = @$case;
        my $raw = $t->upgraded('/echo');
        $raw->write($bytes);
        is($raw->closed, $code, "an error, $code");
        ok($raw->ended, 'and the end');
    }
};


subtest '7.1.5 the code of the peer is the code of the session' => sub {
    answer(close_frame(4711));
    ok(logged(qr/4711 /), '4711 is in the log');
    answer(frame(CLOSE));
    ok(logged(qr/1005 /), '1005: there was none');

    my $raw = $t->upgraded('/echo');
    $raw->send_frame(TEXT, 'x');
    $raw->message;
    $raw->end;
    ok(logged(qr/1006 /), '1006: no close frame at all');
};


subtest '7.1.7 after a failure nothing more is looked at' => sub {
    my $more = frame(TEXT, 'y') . frame(PING, 'z') . close_frame(1000);

    for my $case ([ 1002, frame(TEXT, 'x', rsv => 1) ],
        [ 1002, frame(3, 'x') ], [ 1002, frame(CONT, 'x') ],
        [ 1002, frame(CLOSE, 'x') ], [ 1007, frame(TEXT, "\xff") ],
        [ 1002, frame(TEXT, 'x', mask => '') ])
    {
        my ($code, $bytes) = @$case;
        is(answer($bytes . $more), "close($code)", "of $code");
        is(answer(frame(TEXT, 'x') . $bytes . $more), "data(x) close($code)",
            'what was before is answered');
    }
};


subtest '7.1.7 a peer that goes on sending after its failure' => sub {
    my $raw = $t->upgraded('/echo');
    $raw->write(frame(3));
    is($raw->closed, 1002, 'is told');
    ok($raw->ended, 'sees the end of what is sent');
    $raw->write(frame(TEXT, 'x' x 10000));
    my $late = wait_for(sub { !$raw->write('x') }, 15);
    ok($late, 'and is cut off some seconds later');
};


# the server closes

subtest '7.1.2 the server begins to close' => sub {
    my $raw = $t->upgraded('/short');
    is($raw->closed, 4014, 'its close frame');
    $raw->write(frame(TEXT, 'late') . frame(PING, 'late')
        . close_frame(4014));
    ok($raw->ended, 'is answered, and the server ends the connection');
    is($raw->{in}, '', 'what comes before that is not answered');
    ok(logged(qr/4014 /), 'the code is that of the one who began');
};


subtest '7.1.2 both begin to close' => sub {
    my $raw = $t->upgraded('/short');
    is($raw->closed, 4014, 'its close frame');
    $raw->write(close_frame(1000));
    ok($raw->ended, 'another code is an answer, too');
};


# 7.4

subtest '7.4.1 codes that may be sent' => sub {
    is(answer(close_frame($_)), "close($_)", "code $_")
        for 1000 .. 1003, 1007 .. 1011;
};


subtest '7.4.1 codes that IANA has registered since' => sub {
    is(answer(close_frame($_)), "close($_)", "code $_") for 1012 .. 1014;
};


subtest '7.4.1 codes that may not be sent' => sub {
    is(answer(close_frame($_)), 'close(1002)', "code $_")
        for 1004, 1005, 1006, 1015;
};


subtest '7.4.2 0 to 999 are not used' => sub {
    is(answer(close_frame($_)), 'close(1002)', "code $_")
        for 0, 1, 100, 500, 999;
};


subtest '7.4.2 1000 to 2999 are reserved' => sub {
    is(answer(close_frame($_)), 'close(1002)', "code $_")
        for 1016, 1100, 1999, 2000, 2500, 2999, 5000, 10000, 65535;
};


subtest '7.4.2 3000 to 4999 are for libraries and private use' => sub {
    is(answer(close_frame($_)), "close($_)", "code $_")
        for 3000, 3999, 4000, 4500, 4999;
};
