# A fast shutdown while old workers are still leaving: nothing is left open,
# and nothing is waited for.

use Test::Token;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(workers => 2, main => <<'EOM', conf => <<'EOC');
thread_pool token threads=8;
worker_shutdown_timeout 30s;
EOM
token_atom  count  0;

token_service  slow  { delay 20s; add count 1; }

server {
    listen 127.0.0.1:%%PORT%%;
    location = /live {
        token_websocket;
        token_watch count;
        token_allow slow;
    }
}
EOC
$t->plan(5);

# nginx kills whom TERM has not ended in a second: with sanitizers, and beside
# other tests, that is too little
$t->{allow} = qr/exited on signal 9/ if is_sanitized($t);

my @s = map { $t->connect } 1 .. 6;
$_->token('slow') for @s;
$_->settle for @s;

ok($t->reload, 'a reload, with tokens under way');
my $new = $t->connect;
is($new->settle->is_open, 1, 'new workers serve');

my $start = time;
ok($t->gone('TERM', 10), 'stop');
cmp_ok(time - $start, '<', 5, 'waits for no token');
is(scalar(grep { $_->closed == 1006 } @s, $new), 7,
    'and says nothing to anybody');
# plan() adds: no "open socket left" alert, of which nginx makes one for each
# connection that such a worker still has
