# Reload, binary upgrade and the end of nginx lose nothing: DESIGN.md, G6.

use Test::Token;
use Test::Token::Backend;
use Test::Token::Daemon;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my $backend = Test::Token::Backend->new(sub ($call) { });
my $conf = <<'EOC' =~ s/BACKEND/$backend->port/er;
token_atom      count  0;
token_log       done;
token_presence  room   grace=1s;

token_service  fast  { add count 1; append done; }
token_service  slow  { delay 1500ms; add count 1; append done; }
token_service  long  { delay 60s; add count 1; append done; }
token_service  pay   { pass /internal/x; add count 1; append done; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_watch count done room;
    token_allow fast slow long pay;
    token_stall_timeout 2s;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
    location = /internal/x {
        internal;
        proxy_pass http://127.0.0.1:BACKEND;
    }
}
EOC

my %args = (workers => 2, conf => $conf);
my $pool = "thread_pool token threads=32;\n";
my $t = Test::Token->new(%args, main => $pool);
my $d = Test::Token::Daemon->new(%args, main => $pool);
$_->write_file(users => join '', map { "$_:{PLAIN}\n" } qw/ alice bob /)
    for $t, $d;
$d->{planned} = 1;                      # its error.log is looked at, too
$t->plan(51);

sub all_gone ($timeout, @pids) {
    my @left;
    return wait_for(sub { !(@left = grep { !is_gone($_) } @pids) }, $timeout)
        ? 'gone' : "left: @left";
}

# Presence as the last message tells: "alice=1 +2".
sub present ($s) {
    while (my $m = $s->take('presence')) {
        $s->{present} = join ' ', (map { "$_->{user}=$_->{tabs}" }
            $m->{users}->@*), "+$m->{anonymous}";
        $s->{seen}{ $_->{user} }++ for $m->{users}->@*;
        $s->{missed}++ if $s->{needs}
            && !grep { $_->{user} eq $s->{needs} } $m->{users}->@*;
    }
    return $s->{present} // '';
}


# a reload

my @old = $t->workers;
my @s = (pair($t), map { $t->connect } 1 .. 18);
my $epoch = $s[0]->hello->{epoch};
my @raw = map {
    my $raw = $t->raw;
    $raw->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
    $raw;
} 1 .. 4;                               # these never answer a close

my $start = time;
my %id = map { $_ => $s[$_]->token('slow', $_) } 0 .. 9;
$_->settle for @s;
ok($t->reload, 'reload');

my ($code, $reason) = $s[19]->closed;
is($code, 1012, 'an idle session is closed with 1012');
like($reason, qr/^\d{1,5}$/, 'and told after how many ms to come back');
is(scalar(grep { $s[$_]->is_open } 0 .. 9), 10, 'those with tokens are not');
my $busy = $s[0]->spend('fast');
is($busy->{outcome}, 'busy', 'a worker that leaves begins nothing new');

my %reasons;
for my $n (0 .. 9) {
    $id{$n} = $s[$n]->outcome($id{$n});
}
is((grep { $id{$_}{outcome} eq 'ok' } 0 .. 9), 10, 'their outcomes come');
for my $s (@s) {
    ($code, $reason) = $s->closed;
    $reasons{$reason}++ if $code == 1012;
}
is(eval { my $n = 0; $n += $_ for values %reasons; $n }, 20,
    'and then all are closed with 1012');
cmp_ok(keys %reasons, '>', 5, 'not all to come back at once');
is(all_gone(6, @old), 'gone', 'old workers exit, whoever does not answer');
is($_->closed, 1012, 'a silent client is told, too') for $raw[0];

my $s = $t->connect;
is($s->hello->{epoch}, $epoch, 'the store continues');
$s->watch('done');
$s->expect('synced');
is($s->count('record'), 10, 'every ok is in it');
is($s->spend('fast', undef, $busy->{id})->{outcome}, 'ok',
    'what was busy may be sent again');


# presence over a reload; a reader that does not read

my $alice = $t->connect('/user', user => 'alice');
my $watcher = $t->connect;
$_->watch('room') for $alice, $watcher;
ok(wait_for(sub { present($watcher) eq 'alice=1 +1' }), 'alice is there');
my $stuck = $t->raw;
$stuck->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
$stuck->send_frame(1, '{"type":"watch","channel":"done"}');
$s->outcome($_) for map { $s->token('fast', 'x' x 40000) } 1 .. 60;

@old = $t->workers;
ok($t->reload, 'another reload');
is($alice->closed, 1012, 'alice is sent away');
$watcher->closed;
my $next = $t->connect;
$next->{needs} = 'alice';
$next->watch('room');
$alice = $t->connect('/user', user => 'alice');
$alice->watch('room');
ok(wait_for(sub { present($next) eq 'alice=1 +1' }), 'and is there again');
is(all_gone(8, @old), 'gone', 'old workers exit, whoever does not read');
wait_for(sub { present($next) eq 'alice=1 +1' });
is(present($next), 'alice=1 +1', 'nothing of the old is left');
is($next->{missed}, undef, 'and alice was never away');
$_->close for $alice, $next;
$stuck->end;


# worker_shutdown_timeout

$t->{main} = "${pool}worker_shutdown_timeout 1s;\n";
$t->write_file('nginx.conf', $t->config);
@old = $t->workers;
$t->reload;
is(all_gone(8, @old), 'gone', 'a reload with worker_shutdown_timeout');

my ($x, $y) = pair($t);
my $long = $x->token('long');
my $pay = $y->token('pay');
my $call = $backend->call(1);
$_->settle for $x, $y;
@old = $t->workers;
$start = time;
$t->reload;
is(all_gone(6, @old), 'gone', 'long tokens do not hold the workers');
cmp_ok(time - $start, '>=', 0.9, 'for longer than it says');
isnt($x->closed, 'still open', 'their sessions are closed');
ok(wait_for(sub { $call->{closed} }), 'calls are cut');

$s = $t->connect;
$s->send({ type => 'resume', ids => [$long] });
is($s->outcome($long)->{outcome}, 'unknown', 'a delay was not run to its end');
is($s->spend('pay', undef, $pay)->{outcome}, 'interrupted',
    'a call was interrupted');
my $again = $s->token('long', undef, $long);
$s->settle;
$s->send({ type => 'cancel', id => $long });
is($s->outcome($long)->{outcome}, 'superseded', 'the claim is free');


# nginx -s quit, -s stop

sub signalled ($signal) {
    my $pid = $t->spawn("$t->{dir}/logs/stderr", $t->command('-s', $signal));
    waitpid $pid, 0;
    is($?, 0, "nginx -s $signal");
}

$t->{main} = $pool;
$t->write_file('nginx.conf', $t->config);
@old = $t->workers;
$t->reload;
all_gone(6, @old);
$s = $t->connect;
my $slow = $s->token('slow', 'quit');
$s->settle;
@old = $t->workers;
signalled('quit');
is($s->outcome($slow)->{outcome}, 'ok', 'what is under way ends');
is($s->closed, 1012, 'and the session');
is(all_gone(6, $t->pid, @old), 'gone', 'and nginx');
waitpid $t->pid, 0;

$t->start;
$s = $t->connect;
is($s->hello->{epoch}, $epoch, 'started again: the same store');
is($s->spend('slow', 'quit', $slow)->{outcome}, 'ok', 'and ledger');
$slow = $s->token('slow', 'stop');
$s->settle;
@old = $t->workers;
signalled('stop');
is(all_gone(6, $t->pid, @old), 'gone', 'nginx goes at once');
isnt($s->closed, 'still open', 'the session is cut');
waitpid $t->pid, 0;
$t->start;
$s = $t->connect;
is($s->spend('slow', 'stop', $slow)->{outcome}, 'ok', 'and runs it now');
$long = $s->token('long');
$s->settle;
@old = ($t->pid, $t->workers);
$t->stop('TERM');
is(all_gone(3, @old), 'gone', 'at once also beside a long token');
$t->start;


# a binary upgrade

$s = $d->connect('/user', user => 'bob');
$epoch = $s->hello->{epoch};
$s->watch('room');
my $cursor = $s->spend('fast')->{seq};
@old = $d->workers;
my ($old, $new) = $d->upgrade;
ok(!is_gone($old), 'USR2: both masters run');

my $there = $d->connect;
my %new = map { $_ => 1 } $d->workers;
delete @new{@old};
($there) = grep { $new{ $_->worker } } map { $d->connect } 1 .. 60;
$there->{needs} = 'bob';
$there->watch('room');
$there->watch('done', epoch => $epoch, seq => $cursor);
ok(wait_for(sub { present($there) =~ /bob=1/ }),
    'presence of the old workers is seen by the new');
$slow = $s->token('slow', 'upgrade');
$s->settle;

kill WINCH => $old;
is($s->outcome($slow)->{outcome}, 'ok', 'WINCH: what is under way ends');
is($s->closed, 1012, 'and then the session');
is($there->expect('record')->{value}, 'upgrade', 'the new ones see it');
is(all_gone(6, @old), 'gone', 'the old workers exit');
$s = $d->connect('/user', user => 'bob');
$s->watch('room');
is($s->hello->{epoch}, $epoch, 'the same store');
$d->connect->spend('fast');
is($there->expect('record')->{type}, 'record', 'changes arrive');
kill QUIT => $old;
is(all_gone(6, $old), 'gone', 'QUIT: the old master exits');
is($d->connect->spend('fast')->{outcome}, 'ok', 'the new one serves');
present($there);
is($there->{missed}, undef, 'bob was present all the time');
