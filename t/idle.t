# An idle worker wakes up for its timer wheel and the slow poll, once a second,
# and its threads not at all.

use Test::Token;

my $t = Test::Token->new(main => 'thread_pool token threads=4;',
    conf => <<'EOC');
token_log       all;
token_presence  room;

token_service  say   { append all; }
token_service  late  { delay 1ms; append all; }

server {
    listen 127.0.0.1:%%PORT%%;

    location = /live {
        token_websocket;
        token_watch all room;
        token_allow say late;
    }
}
EOC
$t->plan(6);

my ($worker) = wait_for(sub { ($t->workers)[0] });

# how often each thread has gone to sleep
sub sleeps () {
    my %n;
    for my $task (glob "/proc/$worker/task/*") {
        open my $fh, '<', "$task/status" or next;
        my ($n) = join('', <$fh>) =~ /^voluntary_ctxt_switches:\s*(\d+)/m;
        $n{ $task =~ s!.*/!!r } = $n;
    }
    return \%n;
}

# until the event loop has woken up a few times
sub a_while () {
    my $from = sleeps();
    my $to;
    wait_for(sub { $to = sleeps(); $to->{$worker} >= $from->{$worker} + 4 },
        10) or die "the event loop does not wake up\n";
    return { map { $_ => $to->{$_} - ($from->{$_} // 0) } keys %$to };
}

my $s = $t->connect;
$s->watch($_) for qw/ all room /;
$s->expect('presence');
is($s->spend('say', 'x')->{outcome}, 'ok', 'a commit, by a thread');
is($s->spend('late', 'x')->{outcome}, 'ok', 'and a handler');

# what that has started is over when the threads are quiet
my $slept;
ok(wait_for(sub {
    $slept = a_while();
    return !grep { $_ != $worker && $slept->{$_} } keys %$slept;
}, 30), 'then no thread wakes up, with a session open');
cmp_ok(keys %$slept, '>', 4, 'of which there are some');

$s->close;
$s->closed;
ok(wait_for(sub {
    $slept = a_while();
    return !grep { $_ != $worker && $slept->{$_} } keys %$slept;
}, 30), 'nor without one');
cmp_ok($slept->{$worker}, '<', 20, 'and the event loop seldom');
