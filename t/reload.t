# Reload and quit: sessions are told, nothing is lost.  G6.

use Test::Token;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(workers => 2, main => <<'EOM', conf => <<'EOC');
thread_pool token threads=8;
worker_shutdown_timeout 20s;
EOM
token_atom  count  0;
token_log   chat;

token_service  send  { append chat; }
token_service  slow  { delay 700ms; add count 1; }

server {
    listen 127.0.0.1:%%PORT%%;
    add_header X-Worker $pid always;
    location = /live {
        token_websocket;
        token_watch count chat;
        token_allow send slow;
    }
    location = /more { return 404; }
}
EOC
$t->plan(32);

my @old = $t->workers;
my @s = map { $t->connect } 1 .. 10;
my $epoch = $s[0]->hello->{epoch};
my $seq = $s[0]->spend('send', 'before')->{seq};
my $slow = $s[1]->token('slow');
$s[1]->settle;


# reload

ok($t->reload, 'new workers start');
my @closed = map { [ $_->closed ] } @s;
is(scalar(grep { $_->[0] == 1012 } @closed), 10, 'every session is told: 1012');
is(scalar(grep { $_->[1] =~ /^\d+$/ } @closed), 10,
    'with the delay after which to reconnect');
my %delays = map { $_->[1] => 1 } @closed;
cmp_ok(scalar keys %delays, '>', 3, 'which is not the same for all');
is($s[1]->expect({ type => 'outcome', id => $slow })->{outcome}, 'ok',
    'a token under way is finished, and answered before');

my $new = $t->connect;
ok(!grep({ $_ == $new->worker } @old), 'a new session is on a new worker');
is($new->hello->{epoch}, $epoch, 'with the same store');
my $watching = $new->watch('chat', epoch => $epoch, seq => $seq - 1);
is($watching->{recovered}, true, 'it resumes');
is($new->expect('record')->{value}, 'before', 'with nothing missing');
$new->send({ type => 'resume', ids => [$slow] });
is($new->outcome($slow)->{outcome}, 'ok', 'the outcome of the slow token');
$new->watch('count');
is($new->expect({ channel => 'count' })->{value}, 1, 'its effect, once');

ok(wait_for(sub { my %now = map { $_ => 1 } $t->workers;
    !grep { $now{$_} } @old }), 'the old workers exit');


# while old and new workers live side by side

my $stay = $t->raw;
$stay->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
like($stay->message, qr/hello/, 'a client that does not answer a close frame');
my ($holder) = grep { $_ == $stay->header('X-Worker') } $t->workers;
ok($t->reload, 'another reload');
is($new->closed, 1012, 'closes the others');
is($stay->closed, 1012, 'and that one');

my $a = $t->connect;
my $b = $t->connect;
$b->watch('chat', last => 1);
$a->spend('send', 'meanwhile');
is($b->expect({ type => 'record', value => 'meanwhile' })->{value},
    'meanwhile', 'the new workers work');
ok(wait_for(sub { !grep { $_ == $holder } $t->workers }, 20),
    'the old worker exits, whatever its client does');


# another configuration

my $conf = $t->{conf};
$t->{conf} =~ s/token_allow send slow/token_allow send/;
$t->{conf} =~ s/token_log   chat;/token_log chat;\ntoken_log news;/;
$t->{conf} =~ s/token_watch count/token_watch news count/;
$t->write_file('nginx.conf', $t->config);
ok($t->reload, 'a reload with another configuration');
is($a->closed, 1012, 'closes the sessions');
my $c = $t->connect;
is($c->spend('slow')->{error}{code}, 'unknown_service', 'a service less');
is($c->watch('news')->{kind}, 'log', 'a channel more');
is($c->watch('chat', epoch => $epoch, seq => $seq)->{recovered}, true,
    'and the same store');

$t->write_file('nginx.conf', $t->config . 'nonsense;');
$t->{allow} = qr/unknown directive "nonsense;?"|nonsense/;
kill HUP => $t->pid;
ok($t->wait_log(qr/nonsense/), 'a configuration with a mistake');
is($c->settle->is_open, 1, 'disturbs nobody');
is($c->spend('send', 'x')->{outcome}, 'ok', 'at all');


# quit

$t->{conf} = $conf;
$t->write_file('nginx.conf', $t->config);
ok($t->reload, 'back to the first configuration');
is($c->closed, 1012, 'closes the sessions');
wait_for(sub { 2 == (() = $t->workers) });   # a leaving one would send it away
my $d = $t->connect;
$slow = $d->token('slow');
$d->settle;
my $start = time;
ok($t->stop('QUIT'), 'quit with a session and a token under way');
cmp_ok(time - $start, '<', 9, 'is quick');
is($d->outcome($slow)->{outcome}, 'ok', 'the token is answered');
like($d->closed, qr/^10(?:01|12)$/, 'and the session is told');
