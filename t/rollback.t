# A binary upgrade that is taken back: the old master gets its workers again,
# and the new one leaves.  Nothing is lost.  DESIGN.md, G6.

use Test::Token;
use Test::Token::Daemon;
use Test::Token::Workers;

my $d = Test::Token::Daemon->new(workers => 2,
    main => "thread_pool token threads=8;\n", conf => <<'EOC');
token_atom  count  0;
token_log   done;

token_service  fast  { add count 1; append done; }
token_service  slow  { delay 700ms; add count 1; append done; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    location = /live {
        token_websocket;
        token_watch count done;
        token_allow fast slow;
    }
}
EOC
$d->{planned} = 1;                      # its error.log is looked at, too
$d->plan(15);

my $s = $d->connect;
my $epoch = $s->hello->{epoch};
is($s->spend('fast', 1)->{outcome}, 'ok', 'a token before');
my @first = $d->workers;

my ($old, $new) = $d->upgrade;
ok(!is_gone($old), 'USR2: both masters run');
kill WINCH => $old;
is($s->closed, 1012, 'WINCH: the old sessions are sent away');
ok(wait_for(sub { !grep { !is_gone($_) } @first }, 10),
    'and the old workers exit');

$s = $d->connect;
is($s->hello->{epoch}, $epoch, 'the new workers have the same store');
$s->watch('done');
$s->expect('synced');
my $seq = $s->spend('fast', 2)->{seq};
$s->expect('record');
my $slow = $s->token('slow', 3);
$s->settle;
my @second = $d->workers;

# back

kill HUP => $old;
ok(wait_for(sub {
    my %known = map { $_ => 1 } @first, @second;
    return 2 == grep { !$known{$_} } $d->workers;
}, 10), 'HUP: the old master starts workers again');
kill QUIT => $new;
is($s->outcome($slow)->{outcome}, 'ok', 'QUIT: what is under way ends');
is($s->closed, 1012, 'and then the session');
ok(wait_for(sub { is_gone($new) }, 10), 'the new master exits');
ok(!is_gone($old), 'the old one does not');
$d->{pid} = $old;

$s = $d->connect;
is($s->hello->{epoch}, $epoch, 'still the same store');
my $watching = $s->watch('done', epoch => $epoch, seq => $seq);
is($watching->{recovered}, true, 'a watch goes on at its cursor');
is($s->expect('record')->{value}, 3, 'with what came meanwhile');
$s->watch('count');
is($s->expect({ channel => 'count' })->{value}, 3, 'each effect once');
is($s->spend('fast', 4)->{outcome}, 'ok', 'and new ones');
