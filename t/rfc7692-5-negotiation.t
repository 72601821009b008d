# Which permessage-deflate is agreed upon: RFC 7692, 5 and 7.1, and RFC 6455,
# 9.1.  The server takes no context over, in either direction, and has one
# window, of 2^12 bytes, for all that it sends.

use Test::Token;

my $t = Test::Token->new(conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;

    location = /off { token_echo; }
    location = /on  { token_echo; token_deflate on; }
}
EOC
$t->plan(16);

my $NAME = 'permessage-deflate';
my $PLAIN = "$NAME; server_no_context_takeover; client_no_context_takeover";
my $BITS = "$PLAIN; server_max_window_bits=12";

# The answer to these offers; an array is several headers.
sub answer ($offer, $path = '/on') {
    my $raw = $t->raw;
    my $status = $raw->handshake($path, 'Sec-WebSocket-Extensions' => $offer);
    return $status if $status != 101;

    my @all = $raw->{head} =~ /^Sec-WebSocket-Extensions: (.*?)\r$/gm;
    return @all < 2 ? $all[0] : "@all";
}

# What follows "permessage-deflate; " in an offer, and the answer.
sub answers (@pairs) {
    while (my ($params, $answer) = splice @pairs, 0, 2) {
        is(answer("$NAME; $params"), $answer, $params);
    }
}


subtest '5 an offer is accepted' => sub {
    is(answer($NAME), $PLAIN, 'without parameters');
    is(answer(undef), undef, 'but none that was not made');
    is(answer(''), undef, 'nor one that is empty');
    is(answer($NAME, '/off'), undef, 'nor where it is off');
};


subtest '5 with all parameters together' => sub {
    is(answer("$NAME; client_max_window_bits=11; server_max_window_bits=13"
        . '; client_no_context_takeover; server_no_context_takeover'),
        "$BITS; client_max_window_bits=11", 'in any order');
};


subtest '5.1 the first offer that is acceptable' => sub {
    my $none = "$NAME; server_max_window_bits=9";
    my $first = "$NAME; client_max_window_bits=10";
    my $answer = "$PLAIN; client_max_window_bits=10";

    is(answer("$first, $NAME"), $answer, 'of two in one header');
    is(answer([ $first, $NAME ]), $answer, 'of two headers');
    is(answer("$NAME, $first"), $PLAIN, 'and not the best one');
    is(answer("$none, $first, $NAME"), $answer, 'after one that is not');
    is(answer([ $none, $first ]), $answer, 'in another header');
    is(answer("$none, $NAME; x"), undef, 'there may be none');
};


subtest '5 other extensions are left out' => sub {
    is(answer("foo, $NAME"), $PLAIN, 'before it');
    is(answer("$NAME, foo; a=b"), $PLAIN, 'behind it');
    is(answer([ 'foo; a="b"', $NAME, 'bar' ]), $PLAIN, 'around it');
    is(answer("$_"), undef, "\"$_\" is another one")
        for 'x-webkit-deflate-frame', 'permessage-deflate2',
        'permessage', 'permessage-bzip2', 'Permessage-Deflate';
};


subtest '5 an offer with an unknown parameter is declined' => sub {
    answers(map { $_ => undef } 'x', 'x=1', 'max_window_bits=10',
        'server_max_window_bits2', 'Server_No_Context_Takeover',
        'server_no_context_takeover; x');
};


subtest '5 so is one with a parameter that comes twice' => sub {
    answers(map { $_ => undef }
        ('server_no_context_takeover; server_no_context_takeover',
        'client_no_context_takeover; client_no_context_takeover',
        'server_max_window_bits=12; server_max_window_bits=12',
        'client_max_window_bits; client_max_window_bits',
        'client_max_window_bits=10; client_max_window_bits=11'));
};


subtest '7.1.1.1 server_no_context_takeover' => sub {
    answers('server_no_context_takeover' => $PLAIN);
};


subtest '7.1.1.2 client_no_context_takeover' => sub {
    answers('client_no_context_takeover' => $PLAIN);
    is(answer($NAME), $PLAIN, 'is answered where it was not offered');
};


subtest '7.1.1 they have no value' => sub {
    answers(map { $_ => undef } map { ("$_=1", "$_=true", "$_=\"x\"") }
        'server_no_context_takeover', 'client_no_context_takeover');
};


subtest '7.1.2.1 server_max_window_bits: a window that ours fits in' => sub {
    answers(map { ("server_max_window_bits=$_" => $BITS) } 12 .. 15);
    answers(map { ("server_max_window_bits=$_" => undef) } 8 .. 11);
};


subtest '7.1.2.2 client_max_window_bits is answered with no more' => sub {
    answers('client_max_window_bits' => $PLAIN,
        'client_max_window_bits=15' => $PLAIN,
        map { ("client_max_window_bits=$_"
            => "$PLAIN; client_max_window_bits=$_") } 9 .. 14);
    unlike(answer($NAME), qr/client_max_window_bits/,
        'nor at all where it was not offered');
};


subtest '7.1.2.2 a client that wants 8 is not bound' => sub {
    # zlib, on its side, would compress with 9
    answers('client_max_window_bits=8' => $PLAIN);
};


for my $side (qw/ server client /) {
    subtest "7.1.2 $side: what is not 8 to 15 is declined" => sub {
        answers(map { ("${side}_max_window_bits=$_" => undef) } 0, 7, 16, 20,
            100, '08', '010', '+10', '1e1', '0xa', '10.0', '-9', 'x', '255',
            '4294967305', '18446744073709551625');
        answers('server_max_window_bits' => undef) if $side eq 'server';
    };
}


subtest 'RFC 6455, 9.1 values in quotes, white space, empty elements' => sub {
    answers('server_max_window_bits="12"' => $BITS,
        'server_max_window_bits="1\2"' => $BITS,
        'client_max_window_bits="10"' => "$PLAIN; client_max_window_bits=10",
        'server_max_window_bits = 12' => $BITS);
    is(answer("$NAME;server_max_window_bits=12"), $BITS, 'without space');
    is(answer("$NAME\t ; \tserver_max_window_bits=12 \t"), $BITS,
        'with much of it');
    is(answer(",, $NAME ,,"), $PLAIN, 'empty elements of the list');
};


subtest 'RFC 6455, 9.1 what breaks the grammar fails the handshake' => sub {
    answers(map { $_ => 400 } '', '=1', 'server_max_window_bits=',
        'server_max_window_bits="12', 'server_max_window_bits=""',
        'server_max_window_bits="1 2"', 'server_max_window_bits=12 13',
        'server_max_window_bits="12"3', '; server_no_context_takeover',
        'client_max_window_bits=(10)');
    is(answer("$NAME x"), 400, 'two words');
    is(answer([ $NAME, 'foo;' ]), 400, 'also behind an offer that is good');
    is(answer("$NAME;", '/off'), 400, 'also where it is off');
};
