# A worker that is killed inside of a commit, while it holds LMDB's writer lock
# and commits for another worker, too: each token takes effect once, and the
# other worker goes on.  DESIGN.md, G1, G2, G5.

use Test::Token;
use Test::Token::Workers;
use File::Basename qw/ dirname /;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(start => 0, workers => 2,
    allow => qr/exited on signal 9/, conf => <<'EOC');
token_store %%DIR%%/store  size=64m  sync=on;

token_atom  count  0;
token_log   all;

token_service  add   { add count 1; append all; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_watch count all;
    token_allow add;
    location = /live  { token_websocket; }
}
EOC
Test::More::plan(skip_all => 'a sanitizer keeps the shim out')
    if is_sanitized($t);

my @points = (
    [ 'sync 0',  'before its pages are on disk' ],
    [ 'write 0', 'before the first of its pages is written' ],
);
$t->plan(9 * @points + 2);

my $shim = "$t->{dir}/faultfs.so";
system('cc', '-shared', '-fPIC', '-O1', '-o', $shim,
    dirname(__FILE__) . '/lib/faultfs.c', '-ldl') == 0
    or die "cc has failed\n";
my $control = "$t->{dir}/fault";
{
    local $ENV{FAULTFS} = $control;
    local $ENV{LD_PRELOAD} = $shim;
    $t->start;
}

my $n = 0;
for (@points) {
    my ($fault, $point) = @$_;
    my @s = pair($t);
    isnt($s[0]->worker, $s[1]->worker, 'a session on each worker');
    is($_->spend('add', 'before')->{outcome}, 'ok', 'a token') for @s;
    $n += 2;

    $t->write_file(fault => "$fault\n");
    my @ids = map { $_->token('add', 'inside') } @s;

    my ($mark) = wait_for(sub { glob "$control.*" }, 10);
    my ($victim) = ($mark // '') =~ /\.(\d+)$/;
    ok($victim, "a worker is inside of a commit, $point");

    # what both workers have published by now waits for it
    $s[$_]->settle for grep { $s[$_]->worker != $victim } 0, 1;
    unlink $control, $mark;
    my $start = time;
    kill(KILL => $victim) == 1 or die "there is no $victim\n";

    my ($dead) = grep { $s[$_]->worker == $victim } 0, 1;
    my $o = $s[1 - $dead]->outcome($ids[1 - $dead]);
    is($o->{outcome}, 'ok', 'the other worker\'s token is committed');
    cmp_ok(time - $start, '<', 5, 'soon');

    is($s[$dead]->closed, 1006, 'its own sessions are cut');
    my $again = $t->connect;
    $again->send({ type => 'resume', ids => [ $ids[$dead] ] });
    $o = $again->outcome($ids[$dead]);
    like($o->{outcome}, qr/^(?:ok|unknown)$/, 'a resume tells what is known');
    $o = $again->outcome($again->token('add', 'inside', $ids[$dead]));
    is($o->{outcome}, 'ok', 'sent again, it is committed');
    $n += 2;
}

my $s = $t->connect;
$s->watch('count');
is($s->expect('atom')->{value}, $n, 'each has had its effect once');
$s->watch('all');
$s->expect('synced');
is($s->count('record'), $n, 'and its record');
