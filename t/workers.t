# Several workers share one state.  DESIGN 3: doorbell, group commit.

use Test::Token;

my $t = Test::Token->new(workers => 2, conf => <<'EOC');
token_atom  switch  false;
token_atom  count   0;
token_log   all;

token_service  toggle  { toggle switch; add count 1; append all; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    location = /live {
        token_websocket;
        token_watch switch count all;
        token_allow toggle;
    }
}
EOC
$t->plan(14);

my @s = map { $t->connect } 1 .. 50;
my %workers;
push $workers{ $_->worker }->@*, $_ for @s;
is(keys %workers, 2, 'fifty sessions over two workers');

my @one = map { $_->[0] } values %workers;
isnt($one[0]->worker, $one[1]->worker, 'one session on each');
is($one[0]->hello->{epoch}, $one[1]->hello->{epoch}, 'they have one store');


# a change reaches the other worker

for my $s (@s) {
    $s->watch($_) for qw/ switch count all /;
    $s->expect({ channel => $_ }) for qw/ switch count /;
}

my $o = $one[0]->spend('toggle', 'first');
is($o->{outcome}, 'ok', 'a token on one worker');
my $m = $one[1]->expect({ channel => 'switch' });
is($m->{value}, true, 'is seen by a watcher on the other');
is($one[1]->expect('record')->{seq}, $o->{seq}, 'all of it');


# all at once

my @ids = map { my $s = $_; map { [ $s, $s->token('toggle', $_) ] } 1 .. 6 } @s;
my $ok = grep { $_->[0]->outcome($_->[1])->{outcome} eq 'ok' } @ids;
is($ok, 300, 'three hundred tokens are ok');

my (%final, %records, %order);
for my $s (@s) {
    $final{count}{ $s->expect({ channel => 'count', value => 301 })->{value}
        // 'none' }++;
    $s->settle;

    my ($last, $in_order, $n) = (0, 1, 0);
    for my $m ($s->drain('record')) {
        $in_order &&= $m->{seq} > $last;
        $last = $m->{seq};
        $n++;
    }
    $records{$n}++;
    $order{$in_order}++;

    my ($switch) = reverse $s->drain({ channel => 'switch' });
    $final{switch}{ $switch->{value} ? 'true' : 'false' }++;
}

is_deeply($final{count}, { 301 => 50 }, 'all see the same final number');
is_deeply($final{switch}, { true => 50 }, 'and the same final switch');
is_deeply(\%records, { 301 => 49, 300 => 1 },
    'everybody sees every record once (one has seen the first before)');
is_deeply(\%order, { 1 => 50 }, 'in order');


# resuming on the other worker

my ($here, $there) = @one;
my $cursor = $here->hello->{seq} + 3;
my @again = map { $t->connect } 1 .. 12;
my ($moved) = grep { $_->worker eq $there->worker } @again;
my $watching = $moved->watch('all', epoch => $here->hello->{epoch},
    seq => $cursor);
is($watching->{recovered}, true, 'a watch resumes on another worker');
$moved->settle;
is($moved->count('record'), 300, 'with what follows the cursor');


# one worker less

kill KILL => $here->worker;
$t->{allow} = qr/exited on signal 9/;
is($there->spend('toggle')->{outcome}, 'ok', 'kill -9: the other one goes on');
