# permessage-deflate (RFC 7692): agreed upon, in both directions, and once for
# all readers.

use Test::Token;

my $t = Test::Token->new(workers => 1, conf => <<'EOC');
token_log  long;
token_service  put  { append long; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch  long;
    token_allow  put;

    location = /off  { token_websocket; }
    location = /on   { token_websocket; token_deflate on; }
    location = /echo { token_echo; token_deflate 6; token_max_message 64k; }
}
EOC
$t->plan(19);

my $offer = { 'Sec-WebSocket-Extensions' => 'permessage-deflate' };
my $long = 'a long text, ' x 400;


# negotiation

my $s = $t->connect('/on', headers => $offer);
my $answer = $s->header('Sec-WebSocket-Extensions');
like($answer, qr/^permessage-deflate/, 'an offer is accepted');
like($answer, qr/server_no_context_takeover/, 'without our context');
like($answer, qr/client_no_context_takeover/, 'and without the client\'s');

my $plain = $t->connect('/on');
is($plain->header('Sec-WebSocket-Extensions'), undef, 'nothing was offered');
is($t->connect('/off', headers => $offer)
    ->header('Sec-WebSocket-Extensions'), undef, 'off is the default');
is($t->connect('/on', headers => {
    'Sec-WebSocket-Extensions' => 'permessage-deflate; server_max_window_bits=8'
})->header('Sec-WebSocket-Extensions'), undef, 'a window that is too small');
is($t->connect('/on', headers => {
    'Sec-WebSocket-Extensions' => 'permessage-deflate; ; x'
})->code, 400, 'a header that breaks the grammar');


# a change for two readers, one of them compressed

my %frames;
for ([ deflated => $s ], [ plain => $plain ]) {
    my ($name, $session) = @$_;
    $session->{tx}->on(frame => sub ($tx, $frame) {
        push $frames{$name}->@*, $frame if length $frame->[5] > 50;
    });
    $session->watch('long');
    $session->expect('synced');
}
%frames = ();

is($plain->spend('put', $long)->{outcome}, 'ok', 'a long message');
ok(($_->expect('record')->{value} // '') eq $long, 'reaches a reader as it was')
    for $s, $plain;

my ($deflated) = grep { $_->[1] } $frames{deflated}->@*;
ok($deflated, 'one gets a frame with RSV1');
cmp_ok(length $deflated->[5], '<', length($long) / 10, 'and a tenth of it');
my ($whole) = grep { length $_->[5] > length $long } $frames{plain}->@*;
ok($whole && !$whole->[1], 'the other the whole text');

my $late = $t->connect('/on', headers => $offer);
$late->watch('long');
ok(($late->expect('record')->{value} // '') eq $long,
    'one who comes later has it, too');


# a compressed message of a client, by itself

use Compress::Raw::Zlib;

sub deflated ($text) {
    my ($z) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
        -AppendOutput => 1);
    my $out = '';
    $z->deflate($text, $out);
    $z->flush($out, Z_SYNC_FLUSH);
    return substr $out, 0, -4;
}

my $echo = $t->raw;
$echo->handshake('/echo', $offer->%*);
$echo->send_frame(Test::Token::Raw::TEXT, deflated('x' x 100), rsv => 4);
is($echo->read_frame->{payload}, 'x' x 100, 'is inflated');


# RSV1 where it was not agreed upon; a bomb

my $raw = $t->raw;
$raw->handshake('/on', 'Sec-WebSocket-Protocol' => 'token.v1');
$raw->read_frame;
$raw->send_frame(Test::Token::Raw::TEXT, '{}', rsv => 4);
is(unpack('n', $raw->read_frame->{payload}), 1002, 'RSV1 without agreement');

$raw = $t->raw;
$raw->handshake('/echo', $offer->%*);
$raw->send_frame(Test::Token::Raw::TEXT, deflated('a' x 10_000_000), rsv => 4);
is(unpack('n', $raw->read_frame->{payload}), 1009, 'a bomb');

$raw = $t->raw;
$raw->handshake('/echo', $offer->%*);
$raw->send_frame(Test::Token::Raw::TEXT, "\xff\xff\xff", rsv => 4);
is(unpack('n', $raw->read_frame->{payload}), 1007, 'what is not deflated');

$raw = $t->raw;
$raw->handshake('/echo', $offer->%*);
$raw->send_frame(Test::Token::Raw::TEXT, 'plain', rsv => 0);
is($raw->read_frame->{payload}, 'plain', 'messages may still be plain');
