# Handlers in workers that are killed, reloaded and stopped: DESIGN.md, G5, G6,
# G11.

use Test::Token;
use Test::Token::Handler;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my $main = load() . "thread_pool token threads=8;\n";
my $t = Test::Token->new(workers => 2, allow => qr/exited on signal 9|"nope"/,
    main => $main, conf => <<'EOC');
token_log  done;

stamp_max_bits  9;

token_service  pay   { handler test; append done; }
token_service  safe  { handler test; idempotent; append done; }
token_service  pure  { handler test_pure; append done; }
token_service  stamp { handler stamp; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_allow pay safe pure stamp;
    token_watch done;
    location = /live { token_websocket; }
}
EOC
$t->plan(45);

# How many records an id has in the log.
sub records ($id) {
    my $s = $t->connect;
    $s->watch('done');
    $s->expect('synced');
    my $n = grep { ($_->{json}{token} // '') eq $id } $s->{queue}->@*;
    $s->close;
    return $n;
}


# a worker is killed in the middle

my ($a, $b) = pair($t);
my $work = { do => 'sleep', ms => 1000 };

for my $case ([ pay => 'interrupted', 1 ], [ safe => 'ok', 2 ],
    [ pure => 'ok', 2 ])
{
    my ($service, $outcome, $runs) = @$case;
    $a = off_worker($t, $b->worker);
    my $id = $a->token($service, $work);
    begun($t, $id, 1);
    $b->token($service, $work, $id);
    is($b->settle->count('outcome'), 0, "$service: another worker waits");
    kill KILL => $a->worker;
    is($b->outcome($id)->{outcome}, $outcome, "killed in the middle: $outcome");
    is($b->spend($service, $work, $id)->{outcome}, $outcome, 'that is final');
    is(begun($t, $id), $runs, "it has begun $runs times");
    is(records($id), $outcome eq 'ok' ? 1 : 0, 'and its effect is there once, '
        . 'or not at all');
}


# a second run of what was interrupted is cancelled

$a = off_worker($t, $b->worker);
my $twice = { do => 'sleep', ms => 5000 };
my $twin = $a->token('safe', $twice);
begun($t, $twin, 1);
kill KILL => $a->worker;
$b->token('safe', $twice, $twin);
begun($t, $twin, 2);
$b->send({ type => 'cancel', id => $twin });
is($b->outcome($twin)->{outcome}, 'interrupted',
    'what the first one has done is not known');


# a reload in the middle

my @old = $t->workers;
my @ids = map { $b->token($_, $work) } qw/ pay pure /;
begun($t, $_, 1) for @ids;
ok($t->reload, 'a reload');
for my $id (@ids) {
    is($b->outcome($id)->{outcome}, 'ok', 'the old worker finishes');
    is(begun($t, $id), 1, 'what it has begun');
    is(records($id), 1, 'the effect is there');
}
is(scalar $b->closed, 1012, 'and only then closes');
ok(wait_for(sub { !grep { !is_gone($_) } @old }), 'it exits');


# it can wait no longer

$t->{main} = "${main}worker_shutdown_timeout 1s;\n";
$t->write_file('nginx.conf', $t->config);
ok($t->reload, 'with worker_shutdown_timeout');

@old = $t->workers;
$a = $t->connect;
$work = { do => 'sleep', ms => 20_000 };
my %id = map { $_ => $a->token($_, $work) } qw/ pay safe pure /;
my $deaf = $a->token('pay', { do => 'deaf', ms => 4000 });
begun($t, $_, 1) for $deaf, values %id;
my $start = time;
ok($t->reload, 'a reload');
ok(wait_for(sub { !grep { !is_gone($_) } @old }), 'the old worker exits');
cmp_ok(time - $start, '<', 10, 'though its handlers would take longer');
is(scalar(() = $t->log =~ /test handler was told 3/g), 3, 'they were told');

$b = $t->connect;
$b->send({ type => 'resume', ids => [$deaf] });
is($b->outcome($deaf)->{outcome}, 'ok', 'one that does not look is waited for');
is(records($deaf), 1, 'and has its effect');
$b->send({ type => 'resume', ids => [ @id{qw/ pay safe pure /} ] });
is_deeply([ map { $b->outcome($id{$_})->{outcome} } qw/ pay safe pure / ],
    [qw/ failed unknown unknown /], 'none has an effect; all may be sent again');
for my $service (qw/ pay safe pure /) {
    $b->token($service, $work, $id{$service});
    is(begun($t, $id{$service}, 2), 2, "$service: then it runs again");
    $b->send({ type => 'cancel', id => $id{$service} });
    is($b->outcome($id{$service})->{outcome},
        $service eq 'safe' ? 'interrupted' : 'superseded',
        'and can be cancelled, though a mark of before stays');
}


# a reload that fails, and a worker that is made of the old configuration

my $conf = $t->config;
$t->write_file('nginx.conf', $conf =~ s/handler stamp/handler nope/r
    =~ s/stamp_max_bits  9/stamp_max_bits  20/r);
kill HUP => $t->pid;
ok($t->wait_log(qr/unknown handler "nope"/), 'a reload that fails');
kill KILL => $_ for $t->workers;
$b->closed;
$b = $t->connect;
is($b->spend('stamp', { text => 'x', bits => 10 })->{error}{message},
    'too many bits', 'a new worker has the old configuration of the handler');
is($b->spend('stamp', { text => 'x', bits => 9 })->{outcome}, 'ok', 'all of it');
$t->write_file('nginx.conf', $conf);


# nginx is stopped at once

%id = map { $_ => $b->token($_, $work) } qw/ pay safe pure /;
begun($t, $_, 1) for values %id;
$start = time;
ok($t->gone('TERM', 15), 'a fast shutdown');
cmp_ok(time - $start, '<', 5, 'does not wait for handlers that look');
$t->start;
$a = $t->connect;
is($a->spend('pay', $work, $id{pay})->{outcome}, 'interrupted',
    'what has begun outside of the store is interrupted');
