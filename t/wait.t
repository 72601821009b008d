# Results that wait for a socket: they stay in the ledger until there is room.
# DESIGN.md, G7; README.md, "Limits".

use Test::Token;
use Test::Token::Backend;
use Test::Token::Raw;
use Test::Token::Workers;
use Mojo::JSON qw/ decode_json encode_json /;

my ($n, $size) = (80, 100_000);
my $status = 200;
my $backend = Test::Token::Backend->new(sub ($call) {
    return ($status, encode_json({ n => $call->{body}, text => 'x' x $size }));
});

my $conf = <<'EOC' =~ s/BACKEND/$backend->port/er;
token_atom     count 0;
token_service  add { add count 1; }
token_service  ask { pass /internal/ask; add count 1; }
server {
    listen 127.0.0.1:%%PORT%%;
    token_allow  add ask;
    token_watch  count;
    token_max_inflight 100;
    location = /live { token_websocket; }
    location = /internal/ask {
        internal;
        proxy_pass http://127.0.0.1:BACKEND;
        subrequest_output_buffer_size 1m;
    }
}
EOC

my $t = Test::Token->new(workers => 1,
    main => "thread_pool token threads=4;\n",
    conf => "token_store %%DIR%%/store size=128m sync=off;\n$conf");
$t->plan(16);


# A session that sends a message, and does not read what it is answered but for
# the first bytes.
sub stuck ($t, $message) {
    my $raw = $t->raw;
    $raw->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
    $raw->message;   # hello
    $raw->send_frame(1, encode_json($message));
    $raw->fill or die "no answer\n";
    return $raw;
}

# decoded without the long text, whose length is put in its place
sub answers ($raw, $n) {
    return map {
        decode_json(($raw->message // '{}')
            =~ s/"(x+)"/length($1)/er =~ s/^$/{}/r)
    } 1 .. $n;
}

sub is_whole ($o) {
    my $text = ($o->{result} // {})->{text} // '';
    return $text eq $size || length $text == $size;
}


# a resume

my $s = $t->connect;
my @ids = map { id() } 0 .. $n - 1;
my %outcomes;
$outcomes{ $s->spend('ask', $_, $ids[$_])->{outcome} }++ for 0 .. $n - 1;
is_deeply(\%outcomes, { ok => $n }, "$n results of 100 KB");

my ($worker) = $t->workers;
my $before = rss($worker);
my $raw = stuck($t, { type => 'resume', ids => \@ids });
$s->settle;

# a sanitizer keeps what is freed
cmp_ok(is_sanitized($t) ? 0 : rss($worker) - $before, '<', 3 << 20,
    'what waits for the socket takes no memory');

my @o = answers($raw, $n);
is_deeply([ map { $_->{id} } @o ], \@ids, 'all come, in order');
is((grep { is_whole($_) } @o), $n, 'and are whole');
is_deeply([ map { $_->{result}{n} } @o ], [ 0 .. $n - 1 ], 'each with its own');


# tokens that come again are answered so, too

$raw = stuck($t, { type => 'resume', ids => [ @ids[ 0 .. 29 ] ] });
$raw->send_frame(1, encode_json({ type => 'token', id => $ids[$_],
    service => 'ask', value => $_ })) for 30 .. $n - 1;
is((grep { is_whole($_) } answers($raw, $n)), $n, 'tokens that come again');
is($backend->calls, $n, 'without another call');


# those that wait for one run: it has the result once

my $id = id();
my @s = map { $t->connect } 1 .. 3;
$_->token('ask', $n, $id) for @s;
is((grep { is_whole($_->outcome($id)) } @s), 3, 'three wait for one call');
is($backend->calls, $n + 1, 'one call');

$status = 409;
$id = id();
my $o = $s->spend('ask', $n + 1, $id);
is($o->{outcome}, 'rejected', 'a long rejection');
ok(is_whole($o), 'with its result');
is_deeply($s->spend('ask', $n + 1, $id), $o, 'the same when it comes again');
$status = 200;


# what the ledger has forgotten meanwhile

my $short = Test::Token->new(workers => 1,
    main => "thread_pool token threads=4;\n",
    conf => "token_store %%DIR%%/store size=128m sync=off ledger=5s;\n$conf");
$s = $short->connect;
@ids = map { id() } 1 .. $n;
$s->token('ask', $_, $ids[$_ - 1]) for 1 .. $n;
is((grep { is_whole($s->outcome($_)) } @ids), $n, "$n results");
$raw = stuck($short, { type => 'resume', ids => \@ids });

ok(wait_for(sub {
    $s->spend('add');
    $s->send({ type => 'resume', ids => [ $ids[-1] ] });
    $s->outcome($ids[-1])->{outcome} eq 'unknown';
}, 30), 'the ledger forgets');

@o = answers($raw, $n);
is((grep { $_->{outcome} eq 'ok' && is_whole($_)
    || $_->{outcome} eq 'busy' && !$_->{result} } @o), $n,
    'an ok has its result');
is($o[-1]{outcome}, 'busy', 'and who waits for what is gone may ask again');
