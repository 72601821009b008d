# Tokens that are larger than what a worker hands to the committer: they are
# committed by their own worker, and keep their place among the others.

use Test::Token;

my $t = Test::Token->new(workers => 2, main => 'thread_pool token threads=4;',
    conf => <<'EOC');
token_log   all;
token_atom  big  null;

token_service  say   { append all; }
token_service  late  { delay 20ms; append all; }
token_service  both  { set big; append all; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    token_max_message 8m;
    token_max_inflight 1000;

    location = /live {
        token_websocket;
        token_watch big all;
        token_allow say late both;
    }
}
EOC
$t->plan(16);

my $s = $t->connect;
my $watcher = $t->connect;
$watcher->watch('all');

# the value's first characters tell which it is
sub value ($n, $size) { "$n " . 'x' x $size }
sub number ($value) { ($value =~ /^(\d+) /)[0] }


# around every limit, between small ones, all at once

my @sizes = map { (10, $_, 20) } 1000, 119_000, 122_000, 123_000, 131_000,
    300_000, 900_000;
my $n = 0;
my @ids = map { $s->token('say', value($n++, $_)) } @sizes;
my @outcomes = map { $s->outcome($_) } @ids;
is(scalar(grep { $_->{outcome} eq 'ok' } @outcomes), 21, 'all are ok');

my @seqs = map { $_->{seq} } @outcomes;
is_deeply(\@seqs, [ sort { $a <=> $b } @seqs ], 'in their order');

my @records = map { $watcher->expect('record') } @ids;
is_deeply([ map { number($_->{value}) } @records ], [ 0 .. 20 ],
    'a watcher sees them in that order');
is_deeply([ map { length $_->{value} } @records ],
    [ map { length value($_, $sizes[$_]) } 0 .. 20 ], 'whole');
is_deeply([ map { $_->{seq} } @records ], \@seqs, 'with the seqs of the answers');


# once

my $o = $s->spend('say', value(99, 500_000), $ids[18]);
is($o->{error}{code}, 'id_reused', 'the id for something else');
is($s->spend('say', value(19, 900_000), $ids[19])->{seq}, $seqs[19],
    'the same again is answered from the ledger');
my $elsewhere = $t->connect;
is($elsewhere->spend('say', value(19, 900_000), $ids[19])->{seq}, $seqs[19],
    'by any worker');
$watcher->settle;
is($watcher->count('record'), 0, 'and nothing happens twice');


# with a handler, and a claim to give back

my @late = map { $s->token('late', value($_, 200_000)) } 1 .. 8;
is(scalar(grep { $s->outcome($_)->{outcome} eq 'ok' } @late), 8,
    'services with a handler');
is($elsewhere->spend('late', value(3, 200_000), $late[2])->{outcome}, 'ok',
    'whose claims are given back');
$watcher->settle;
is($watcher->count('record'), 8, 'have their effects once');


# too large for a value

$o = $s->spend('both', value(1, 1_100_000));
is($o->{error}{code}, 'too_large', 'a value of more than 1 MB');
is($s->spend('both', value(2, 1_000_000))->{outcome}, 'ok', 'one of less');
$watcher->watch('big');
is(number($watcher->expect({ channel => 'big' })->{value}), 2,
    'which is the one that is kept');


# when nginx leaves

my $last = $s->token('late', value(7, 400_000));
$s->settle;
ok($t->gone('QUIT', 10) && $s->outcome($last)->{outcome} eq 'ok',
    'a quit waits for one that is under way');
