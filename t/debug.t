# nginx's debug log, which looks into every event and its data: nothing that
# works without it ends a worker.

use Test::Token;
use Test::Token::Workers;

my $t = Test::Token->new(main => <<'EOM', conf => <<'EOC');
error_log %%DIR%%/logs/debug.log debug;
thread_pool token threads=2;
EOM
token_atom      count  0;
token_log       chat;
token_presence  room  grace=1s;

token_service  add   { add count 1; }
token_service  slow  { delay 10ms; add count 1; }
token_service  say   { append chat; }
token_service  find  { find chat; }
token_service  ask   { pass /answer; set count $token_result; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch  count chat room;
    token_allow  add slow say find ask;

    location = /live   { token_websocket; add_header X-Worker $pid always; }
    location = /answer { internal; return 200 7; }
    location /state/   { token_resource; }
    location = /status { token_status; }
}
EOC
$t->plan(9);

my @s = map { $t->connect } 1 .. 3;
my $s = $s[0];

# presence: more changes than are told at once
for my $session (@s) {
    $session->watch($_) for qw/ count chat room /;
}
ok($s->expect(sub ($m) { ($m->{anonymous} // 0) == 3 }), 'presence');
$s[2]->close;
ok($s->expect(sub ($m) { ($m->{anonymous} // 0) == 2 }), 'and who leaves it');

is($s->spend($_, 'text')->{outcome}, 'ok', $_) for qw/ say slow find ask /;
is($t->get('/state/count')->body, 7, 'a resource');
is($t->get('/status')->code, 200, 'the status');
is(join(' ', $t->workers), $s->worker, 'by one worker');
