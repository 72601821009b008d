# A long life under valgrind: sessions, tokens of every kind, reloads; each
# process that has ended has lost nothing.  Run by tools/valgrind.sh.

use Test::Token;
use Test::Token::Handler;
use Test::Token::Raw;

my $t = Test::Token->new(workers => 2,
    main => load() . "thread_pool token threads=2;\n", conf => <<'EOC');
token_atom      a        0;
token_atom      votes/*  0;
token_log       feed     keep=50;
token_presence  room     grace=1s;

token_service  add   { add a 1; }
token_service  vote  { add votes/$token_arg_item 1; }
token_service  drop  { delete votes/$token_arg_item; }
token_service  send  { append feed '{"text": "$token_arg_text", "from": "$arg_from"}'; }
token_service  merge { merge votes/object; }
token_service  put   { put a; }
token_service  slow  { delay 50ms; add a 1; }
token_service  late  { delay 20s; add a 1; }
token_service  fails { fail 100%; add a 1; }
token_service  find  { find feed; }
token_service  ask   { pass /backend; append feed $token_value; }
token_service  none  { pass /none; append feed $token_value; }
token_service  hand  { handler test; append feed; }
token_service  pure  { handler test_pure; append feed; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch  a votes/* feed room;
    token_allow  add vote drop send merge put slow late fails find ask none;
    token_allow  hand pure;
    token_deflate on;

    location = /live { token_websocket; token_limit_sessions $token_user 100; }
    location = /echo { token_echo; }
    location = /auth {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_login;
    }
    location = /logout  { token_logout; }
    location = /backend { internal; return 200 '{"order": "$request_id"}'; }
    location = /none    { internal; return 500; }
}
EOC
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(11);
$t->ua->cookie_jar->ignore(sub { 1 });

my $cookie = $t->get('/auth' => { Authorization => 'Basic YWxpY2U6' })
    ->headers->set_cookie =~ s/;.*//r;


# One session's life; the outcomes of its tokens.
sub live ($n) {
    my $s = $t->connect("/live?from=$n", $n % 2 ? (cookie => $cookie) : ());
    $s->watch($_) for 'a', 'votes/*', 'feed', 'room', 'votes/7';
    my %n;
    $n{ $s->spend(@$_)->{outcome} // 'none' }++ for [ 'add' ],
        [ vote => { item => $n } ], [ drop => { item => $n } ],
        [ send => { text => 'x' x 300 } ], [ merge => { a => { $n => 1 } } ],
        [ put => { value => 1, version => 0 } ], [ 'slow' ], [ 'fails' ],
        [ find => 'x' ], [ ask => { item => $n } ], [ none => 1 ],
        [ hand => { do => 'who', string => 'x' } ],
        [ pure => { do => 'reject', text => 'no' } ],
        [ 'unknown' ], [ vote => {} ];

    for my $late ($s->token('late'),
        map { $s->token($_, { do => 'sleep', ms => 20_000 }) } qw/ hand pure /)
    {
        $s->send({ type => 'cancel', id => $late });
        $n{ $s->outcome($late)->{outcome} }++;
    }
    my $id = $s->token('add');
    $s->outcome($id);
    $s->send({ type => 'resume', ids => [ $id, id() ] });
    $n{ $s->expect('outcome')->{outcome} }++ for 1 .. 2;

    $s->send({ type => 'unwatch', channel => 'a' });
    $s->expect('unwatched');
    $s->send_text('{"type":');
    $s->expect('error');
    return ($s, %n);
}

sub drops () {
    my @protocol = ('Sec-WebSocket-Protocol' => 'token.v1',
        'Sec-WebSocket-Extensions' => 'permessage-deflate');
    for my $i (1 .. 10) {
        my $raw = $t->raw;
        $raw->handshake('/live', @protocol, Cookie => $cookie);
        $raw->send_frame(1, '{"type":"watch","channel":"feed"}');
        $raw->send_frame(1, 'half', fin => 0) if $i % 2;
        $raw->write("\xff" x 10) if $i % 3 == 0;
        $raw->message if $i % 2;
        $raw->end;
    }
    $t->raw->handshake('/live', line => 'GET /live HTTP/1.0');
    $t->raw->handshake('/live', @protocol, Origin => 'http://evil.example');
}

my %all;
for my $round (1 .. 3) {
    my @open;
    for my $n (1 .. 4) {
        my ($s, %n) = live($n);
        $all{$_} += $n{$_} for keys %n;
        push @open, $s;
        $s->close if $n == 1;
        $s->cut if $n == 2;
    }
    drops();
    my $echo = $t->raw;
    $echo->handshake('/echo');
    $echo->send_frame(1, 'hoy' x 100);
    $echo->message;
    $echo->end;
    my $waiting = $open[3]->token('slow');   # under way in the reload
    ok($t->reload, "reload $round");
    $open[3]->outcome($waiting);
}

is($all{superseded}, 36, 'cancels');
is($all{failed}, 24, 'failures');
is($all{unknown}, 12, 'resumes');
cmp_ok($all{ok}, '>', 100, 'tokens');
ok($t->stop('QUIT', 60), 'quit');


# What each process said at its end.  nginx unloads the module before it exits:
# so what the module has once in a process seems to be lost, too, as one block.
# What is lost for each session or token is more than one.  (Lists are freed at
# exit: a list may seem to be one block or several.)

my (@errors, @lost);
my @files = glob $t->dir . '/logs/valgrind.*';
for my $text (map { $t->read_file($_) } @files) {
    my @records = split /^==\d+== *\n/m, $text;
    push @errors, $text if $text !~ /ERROR SUMMARY: 0 errors/;
    push @lost, grep { /in ([\d,]+) blocks are definitely lost/ && $1 ne '1' }
        @records;
}
cmp_ok(scalar @files, '>=', 9, 'a master and eight workers have told');
is(scalar @errors, 0, 'nobody has read what was not there')
    or diag(@errors);
is(scalar @lost, 0, 'nothing is lost for a session, a token or a reload')
    or diag(@lost);
