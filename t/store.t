# The store outlives nginx, and refuses what it cannot use.  G2, G5.

use Test::Token;

my $t = Test::Token->new(conf => <<'EOC');
token_store %%DIR%%/store size=2m sync=on ledger=1h;

token_atom  count  0;
token_atom  text   '""';
token_log   chat;

token_service  add   { add count; }
token_service  text  { set text; }
token_service  send  { append chat; }
token_service  wrong { toggle count; }

server {
    listen 127.0.0.1:%%PORT%%;
    location = /live {
        token_websocket;
        token_watch count text chat;
        token_allow add text send wrong;
    }
}
EOC
$t->plan(41);


# a restart keeps it

my $s = $t->connect;
my $epoch = $s->hello->{epoch};
my $id = $s->token('add', 7);
my $o = $s->outcome($id);
is($o->{outcome}, 'ok', 'before: a token');
$s->spend('send', $_) for 1 .. 3;
my $rejected = $s->token('wrong');
$s->outcome($rejected);
$s->watch('chat');
$s->expect('synced');
my @records = $s->drain('record');
is(@records, 3, 'before: three records');
$s->close;

for my $signal (qw/ QUIT TERM KILL /) {
    my @workers = $t->workers;
    ok($t->stop($signal), "nginx ends on $signal");
    kill KILL => @workers if $signal eq 'KILL';
    ok(wait_for(sub { !Test::Token::connects($t->port) }), 'all of it');
    $t->start;

    $s = $t->connect;
    is($s->hello->{epoch}, $epoch, 'after: the epoch is the same');
    is($s->hello->{seq}, $records[-1]{seq}, 'seq goes on');
    $s->watch('count');
    is($s->expect({ channel => 'count' })->{value}, 7, 'the atom is there');
    is($s->watch('chat', epoch => $epoch, seq => $records[0]{seq})->{recovered},
        true, 'the log resumes');
    is_deeply([ map { $s->expect('record') } 1 .. 2 ], [ @records[ 1, 2 ] ],
        'with the same records');
    is($s->outcome($s->token('add', 7, $id))->{seq}, $o->{seq},
        'the token is answered from the ledger');
    is($s->outcome($s->token('wrong', undef, $rejected))->{error}{code},
        'not_boolean', 'the rejected one, too');
    $s->close;
}


# full

$t->{allow} = qr/MDB_MAP_FULL/;
$s = $t->connect;
my ($n, $full) = (0);
while ($n++ < 200) {
    $full = $s->spend('send', 'x' x 50_000);
    last if $full->{outcome} ne 'ok';
}
is($full->{outcome}, 'failed', 'a store of 2 MB takes no 10 MB');
is($full->{error}{code}, 'store_full', 'and says so');
cmp_ok($n, '>', 10, 'not too early');
ok($s->is_open, 'the session goes on');
is($s->spend('wrong')->{outcome}, 'rejected', 'others are answered');
$s->watch('chat', last => 1);
is(length $s->expect('record')->{value}, 50_000, 'and it can be read');

my @got = map { $s->spend('add', 1)->{outcome} } 1 .. 3;
$s->watch('count');
is($s->expect({ channel => 'count' })->{value}, 7 + grep({ $_ eq 'ok' } @got),
    'what is ok is there, and nothing else');
$s->close;


# what cannot be used

sub fails ($directive, $regex, $name) {
    my ($ok, $out) = $t->conf_test(<<"EOC");
$directive
server {
    listen 127.0.0.1:%%PORT%%;
    location = /live { token_websocket; }
}
EOC
    ok(!$ok && $out =~ /\[emerg\].*$regex.* in \S+:\d+$/m, $name)
        or diag($ok ? 'it passes' : $out);
}

mkdir $t->dir . '/foreign';
$t->write_file('foreign/data.mdb', 'this is not LMDB' x 1000);
fails('token_store %%DIR%%/foreign;', qr/foreign/, 'a foreign file');

mkdir $t->dir . '/other';
$t->write_file('other/data.mdb',
    $t->read_file('store/data.mdb') =~ s/\Q$epoch\E/x/gr =~ s/token/nekot/gr);
fails('token_store %%DIR%%/other;', qr/other/, 'a database of something else');

my ($ok) = $t->conf_test(<<'EOC');
token_store %%DIR%%/store;
server {
    listen 127.0.0.1:%%PORT%%;
    location = /live { token_websocket; }
}
EOC
ok($ok, 'the store of a running nginx can be tested');

$s = $t->connect;
is($s->hello->{epoch}, $epoch, 'without any harm');
$s->watch('count');
ok($s->expect({ channel => 'count' })->{seq}, 'or loss');
