# Watches go on from the client's cursor, or say why not: PROTOCOL.md, 4; G4.

use Test::Token;
use Test::Token::Workers;
use File::Copy qw/ copy /;

my $burst = join ' ', map { "add votes/b$_ 1;" } 1 .. 60;
my $t = Test::Token->new(workers => 2, conf => <<'EOC' =~ s/BURST/$burst/r);
token_atom  one      0;
token_atom  other    0;
token_atom  votes/*  0;
token_log   all;
token_log   short    keep=5;

token_service  set     { set one; }
token_service  other   { set other; }
token_service  drop    { delete one; }
token_service  vote    { set votes/$token_arg_item $token_arg_n; }
token_service  unvote  { delete votes/$token_arg_item; }
token_service  burst   { BURST }
token_service  append  { append all; }
token_service  short   { append short; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    location = /live {
        token_websocket;
        token_allow set other drop vote unvote burst append short;
        token_watch one votes/* all short;
    }
}
EOC
$t->plan(74);

my ($p) = pair($t);
my $epoch = $p->hello->{epoch};

# A new session that watches from a cursor: itself, and the answer.
sub resume ($channel, $seq, %args) {
    my $s = $t->connect;
    return ($s, $s->watch($channel, epoch => $epoch, seq => $seq, %args));
}

# What has come of a type, and is a part of the channel: "seq=value ...".
sub got ($s, $type) {
    $s->settle;
    my @got;
    while (my $m = $s->take($type)) {
        push @got, "$m->{seq}=" . ($m->{deleted} ? 'gone' : $m->{value});
    }
    return join ' ', @got;
}

sub seq ($service, $value) {
    my $o = $p->spend($service, $value);
    return $o->{seq} // fail("$service: $o->{outcome}");
}


# an atom

my ($s, $w) = resume('one', 0);
is($w->{recovered}, true, 'an atom from the beginning, without events');
is(got($s, 'atom'), '', 'nothing has changed');
my $first = seq('set', 1);
seq('other', 1);
($s, $w) = resume('one', $first);
is($w->{recovered}, true, 'an atom from its version');
is($w->{kind}, 'atom', 'kind');
is($w->{epoch}, $epoch, 'epoch');
ok(!exists $w->{reset}, 'no reset');
is(got($s, 'atom'), '', 'not changed: no message');
is($s->count('synced'), 0, 'and no synced');
seq('set', 2);
my $last = seq('set', 3);
($s, $w) = resume('one', $first);
is($w->{recovered}, true, 'changed since');
is(got($s, 'atom'), "$last=3", 'the latest value, once');
$first = seq('set', 4);
is(got($s, 'atom'), "$first=4", 'and then what is new');

my $dropped = seq('drop', undef);
($s, $w) = resume('one', $first);
is($w->{recovered}, true, 'deleted since');
like(got($s, 'atom'), qr/^\d+=0$/, 'the initial value');
($s, $w) = resume('one', $dropped);
is(got($s, 'atom'), '', 'not changed since it was deleted: no message');


# a family

my $va = seq('vote', { item => 'a', n => 1 });
my $vb = seq('vote', { item => 'b', n => 2 });
($s, $w) = resume('votes/*', $vb);
is($w->{recovered}, true, 'a family from its cursor');
is($w->{kind}, 'family', 'kind');
is(got($s, 'atom'), '', 'not changed: no message');
is($s->count('synced'), 0, 'what follows a cursor has no end');
seq('other', 2);
my $c = seq('vote', { item => 'a', n => 3 });
my $d = seq('unvote', { item => 'b' });
($s, $w) = resume('votes/*', $vb);
is(got($s, 'atom'), "$c=3 $d=gone", 'changes and deletions since');
my $e = seq('vote', { item => 'c', n => 5 });
is(got($s, 'atom'), "$e=5", 'and then what is new');
($s, $w) = resume('votes/*', $va - 1);
like(got($s, 'atom'), qr/\b$c=3 $d=gone $e=5$/, 'from before its first change');
$s = $t->connect;
$w = $s->watch('votes/*');
is($w->{recovered}, false, 'without a cursor: a snapshot');
is($s->expect('synced')->{seq}, $w->{seq}, 'with its end');
is(got($s, 'atom'), "$c=3 $e=5", 'of those that are there');


# a log

($s, $w) = resume('all', $e);
is($w->{recovered}, true, 'an empty log from a cursor');
is(got($s, 'record'), '', 'nothing');
my @r = map { seq('append', $_) } 1 .. 5;
($s, $w) = resume('all', $e);
is(got($s, 'record'), join(' ', map { "$r[$_]=" . ($_ + 1) } 0 .. 4),
    'records since, in order');
is($s->count('synced'), 0, 'without an end');
for my $n (1 .. 3) {
    ($s, $w) = resume('all', $r[4]);
    is(got($s, 'record') . $w->{recovered}, '1', 'no events: nothing, again');
}
($s, $w) = resume('all', $r[2], last => 1);
is(got($s, 'record'), "$r[3]=4 $r[4]=5", 'a cursor that can be used: all');

$s = $t->connect;
$w = $s->watch('all', last => 2);
is($w->{recovered}, false, 'last, without a cursor');
is($s->expect('synced')->{seq}, $w->{seq}, 'synced');
is(got($s, 'record'), "$r[3]=4 $r[4]=5", 'the newest');
$s = $t->connect;
$s->watch('all', last => 100);
is(split(/ /, got($s, 'record')), 5, 'last is at most that many');


# cursors that cannot be used

for my $channel (qw( one votes/* all )) {
    ($s, $w) = resume($channel, $r[4] + 1);
    is($w->{reset}, 'future', "$channel: a cursor ahead");
    is($w->{recovered}, false, 'is not used');
    ok(defined $s->expect($channel eq 'all' ? 'record' : 'atom')->{seq},
        'a snapshot follows');

    ($s, $w) = resume($channel, 1, epoch => $epoch =~ tr/0-9/1-90/r);
    is($w->{reset}, 'epoch', "$channel: another epoch");
}
($s, $w) = resume('all', $r[4] + 1, last => 1);
is(got($s, 'record'), "$r[4]=5", 'with last: at most that many');
$s->send({ type => 'watch', channel => 'short', seq => 1 });
is($s->expect('error')->{code}, 'bad_message', 'a seq without its epoch');

@r = map { seq('short', $_) } 1 .. 12;
($s, $w) = resume('short', $r[6]);
is($w->{recovered}, true, 'the oldest cursor that retention leaves');
is(got($s, 'record'), join(' ', map { "$r[$_]=" . ($_ + 1) } 7 .. 11),
    'all after it');
($s, $w) = resume('short', $r[5]);
is($w->{reset}, 'retention', 'one before it');
is($w->{recovered}, false, 'is not used');
ok($s->expect('synced')->{seq}, 'synced');
is(got($s, 'record'), join(' ', map { "$r[$_]=" . ($_ + 1) } 7 .. 11),
    'a snapshot of what there is');


# a hundred reconnects in a row, while records come

my $cursor = seq('append', 0);
my (@sent, @read, %workers, %recovered);
for my $n (1 .. 100) {
    push @sent, map { $p->token('append', "$n-$_") } 1 .. 4 if $n <= 90;

    my ($s, $w) = resume('all', $cursor);
    $workers{ $s->worker } = 1;
    $recovered{ $w->{recovered} }++;
    wait_for(sub { $s->count('record') >= rand 8 }, 0.1);

    while (my $m = $s->take('record')) {
        push @read, $m;
        $cursor = $m->{seq};
    }
    $s->cut;
}
my %seq = map { $_ => $p->outcome($_)->{seq} } @sent;
($s) = resume('all', $cursor);
$s->settle;
while (my $m = $s->take('record')) { push @read, $m }

is_deeply(\%recovered, { 1 => 100 }, 'a hundred reconnects are recovered');
is(keys %workers, 2, 'on both workers');
is(@read, 360, 'every record came, once');
is_deeply([ map { $_->{seq} } @read ], [ sort { $a <=> $b } values %seq ],
    'in order');
is_deeply({ map { $_->{token} => $_->{seq} } @read }, \%seq,
    'and is what was answered');


# the change before the outcome (G3), also where a later change, which comes
# only with a later piece of the catch-up, stands for it

my $id = id();
$first = $p->spend('vote', { item => 'x', n => 1 }, $id)->{seq};
my %burst;
for (1 .. 2) {
    my @ids = map { $p->token('burst') } 1 .. 50;
    $burst{ $p->outcome($_)->{outcome} }++ for @ids;
}
is_deeply(\%burst, { ok => 100 }, '6,000 changes of others');
$last = seq('vote', { item => 'x', n => 2 });

$s = $t->connect;
$s->send({ type => 'watch', channel => 'votes/*', epoch => $epoch,
    seq => $first - 1 }, { type => 'resume', ids => [$id] });
my @order;
wait_for(sub {
    @order = grep { ($_->{id} // '') eq $id
        || ($_->{channel} // '') eq 'votes/x' }
        map { $_->{json} } $s->{queue}->@*;
    return @order >= 2;
}, 5);
is($order[0]{seq}, $last, 'what a token has changed, by its newest value');
is($order[1]{outcome}, 'ok', 'comes before its outcome');


# an older copy of the store, and a new one

my $data = "$t->{dir}/store/data.mdb";
ok($t->stop, 'stopped');
copy($data, "$t->{dir}/older");
$t->start;
$p = $t->connect;
is($p->hello->{epoch}, $epoch, 'a restart keeps the epoch');
($s, $w) = resume('all', $cursor);
is($w->{recovered}, true, 'and the cursors');
@r = map { seq('append', "lost $_") } 1 .. 3;

$t->stop;
copy("$t->{dir}/older", $data);
$t->start;
$p = $t->connect;
($s, $w) = resume('all', $r[2]);
like($w->{reset}, qr/^(?:future|epoch)$/, 'an older copy: a cursor ahead');
is(got($s, 'record') =~ /lost/, '', 'with what there is');
seq('append', "new $_") for 1 .. 5;
($s, $w) = resume('all', $r[2]);
is($w->{reset}, 'epoch', 'a cursor that it has reached again');

$t->stop;
unlink $data, "$t->{dir}/store/lock.mdb";
$t->start;
$p = $t->connect;
isnt($p->hello->{epoch}, $epoch, 'a new store has another epoch');
($s, $w) = resume($_, 1) and is($w->{reset}, 'epoch', "$_: reset")
    for qw( one votes/* all );
