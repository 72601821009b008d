# Services whose work a handler does, in a module of its own:
# http/ngx_http_token_handler.h, README.md, "Handlers in C".

use Digest::SHA ();
use Test::Token;
use Test::Token::Handler;
use Test::Token::Workers;
use Time::HiRes qw/ time /;

my $conf = <<'EOC';
token_thread_pool  work  max_tasks=3;

token_log   done;
token_atom  count  0;

stamp_max_bits  20;

token_service  test    { handler test; append done; }
token_service  pure    { handler test_pure; append done; }
token_service  late    { handler test_pure; delay 300ms; append done; }
token_service  quick   { handler test; timeout 200ms; append done; }
token_service  hasty   { handler test_pure; timeout 200ms; append done; }
token_service  unlucky { handler test_pure; fail 100%; append done; }
token_service  stamp   { handler stamp; append done; }
token_service  count   { add count 1; }
token_service  find    { find done; }
token_service  ask     { pass /nothing; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_allow test pure late quick hasty unlucky stamp count find ask;
    token_watch done count;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
}
EOC

my $main = load() . "thread_pool work threads=3;\n";
my $t = Test::Token->new(workers => 2, main => $main, conf => $conf);
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(90);

my ($s, $w) = pair($t);
$w->watch('done');
$w->watch('count');


# what a handler is given

my $alice = $t->connect('/user', user => 'alice');
my $id = id();
my $value = { do => 'who', string => "\x{e9}", number => 12.5, true => true,
    null => undef, array => [1] };
my $o = $alice->spend('test', $value, $id);
is($o->{outcome}, 'ok', 'a handler that says ok');
my $r = $o->{result};
is($r->{user}, 'alice', 'it is told the user');
is($r->{id}, $id, 'the id');
is($r->{service}, 'test', 'the service');
is($r->{data}, 'marked', 'and its own data');
is_deeply($r->{value}, $value, 'it has the value');
is_deeply($r->{args}, [ "\x{e9}", '12.5', 'true', false ],
    'and arguments as text: a string, a number, a boolean, no others');
my $m = $w->expect('record');
is($m->{seq}, $o->{seq}, 'the effect is committed');
is($m->{user}, 'alice', 'by that user');
is($s->spend('pure', 'text')->{result}, undef, 'a result may be absent');
$w->expect('record');
is($s->spend('pure', { do => 'who' })->{result}{user}, '',
    'an anonymous user is empty');
$w->expect('record');


# ok

for my $service (qw/ test pure late /) {
    $id = id();
    $value = { do => 'ok', result => '{ "a" : [1, 2.50] }' };
    $o = $s->spend($service, $value, $id);
    like($s->text, qr/"ok".*"result":\{"a":\[1,2\.50\]\}/,
        "$service: ok with a result, as it was");
    $s->send({ type => 'resume', ids => [$id] });
    is_deeply($s->outcome($id), $o, 'the same on resume');
    is_deeply($w->spend($service, $value, $id), $o, 'and when it comes again');
    is(begun($t, $id), 1, 'without a second run');
    is($w->expect('record')->{token}, $id, 'one effect');
}
is($w->settle->count('record'), 0, 'no other effect');

$id = $s->token('pure', { do => 'sleep', ms => 300 });
is($s->spend('count')->{outcome}, 'ok', 'others go on beside a handler');
is($s->count('outcome'), 0, 'before it has ended');
is($s->outcome($id)->{outcome}, 'ok', 'which it does');
$w->expect('record');


# no

$id = id();
$o = $s->spend('test', { do => 'reject', text => 'n"o' }, $id);
is($o->{outcome}, 'rejected', 'a handler that says no');
is_deeply($o->{error}, { code => 'service_rejected', message => 'n"o' },
    'with its words');
is_deeply($w->spend('test', { do => 'reject', text => 'n"o' }, $id), $o,
    'that is final, words and all');
is(begun($t, $id), 1, 'without a second run');
$o = $s->spend('pure', { do => 'reject', result => '{"left": 3}' });
is_deeply($o->{result}, { left => 3 }, 'or with a result');
like($o->{error}{message}, qr/refused/, 'and a sentence of ours');
$o = $s->spend('pure', { do => 'reject', result => '{' });
is_deeply([ $o->{outcome}, $o->{result} ], [ 'rejected', undef ],
    'a result that is none does not change that');
is(length $s->spend('pure', { do => 'reject', text => 'x' x 2000 })
    ->{error}{message}, 1024, 'long texts are cut');

$id = id();
$o = $s->spend('test', { do => 'fail', text => 'try later' }, $id);
is($o->{outcome}, 'failed', 'a handler that fails');
is_deeply($o->{error}, { code => 'service_failed', message => 'try later' },
    'with its words');
$s->send({ type => 'resume', ids => [$id] });
is_deeply($s->outcome($id), $o, 'the same on resume');
$w->spend('test', { do => 'fail', text => 'try later' }, $id);
is(begun($t, $id), 2, 'sent again, it runs again');
$id = id();

my $rss;
for (1 .. 3000) {
    $s->spend('pure', { do => 'fail', text => 'x' x 1024 }, $id);
    $rss = rss($s->worker) if $_ == 1000;
}
cmp_ok(rss($s->worker), '<', $rss + (is_sanitized($t) ? 32 << 20 : 1 << 20),
    'what it has said before is not kept');

is($s->spend('pure', { do => 'fail' })->{error}{message},
    'the service could not do its work', 'without words, a sentence of ours');
is($s->spend('pure', { do => 'strange' })->{outcome}, 'failed',
    'what is no code of ours is a failure');
$id = id();
is($s->spend('unlucky', { do => 'ok' }, $id)->{error}{code}, 'service_failed',
    'the failure of a tutorial');
is(begun($t, $id), 0, 'comes without a run');


# results that are none

$o = $s->spend('test', { do => 'ok', result => 'x' });
is($o->{error}{code}, 'service_failed', 'a result that is not JSON: failed');
$o = $s->spend('test', { do => 'ok', result => '[' x 65 . ']' x 65 });
is($o->{error}{code}, 'service_failed', 'nor one that is too deep');
$o = $s->spend('pure', { do => 'large', n => 2**20 + 1 });
is($o->{error}{code}, 'too_large', 'one that is too large');
is($o->{outcome}, 'rejected', 'is final');
is($w->settle->count('record'), 0, 'none of these had an effect');
like($t->log, qr/result of the handler "test" for the service "test" is not J/,
    'error.log names the handler');
like($t->log, qr/result of the handler "test_pure" .*is too large/, 'and why');
is(length $s->spend('pure', { do => 'large', n => 2**20 })->{result},
    2**20 - 2, 'one of 1 MB is fine');
is_deeply($s->spend('pure', { do => 'twice' })->{result}, [2],
    'the last one counts');


# time is up; nobody wants it

for my $service (qw/ quick hasty /) {
    my $start = time;
    $o = $s->spend($service, { do => 'sleep', ms => 9000 });
    is_deeply([ $o->{outcome}, $o->{error}{code} ], [qw/ failed timeout /],
        "$service: a timeout ends a sleep");
    cmp_ok(time - $start, '<', 3, 'in time');
}

$w->expect('record') for 1 .. 2;
for my $case ([ pure => $s ], [ test => $s ], [ test => $w ]) {
    my ($service, $who) = @$case;
    my $where = $who == $s ? 'here' : 'in another worker';
    $id = $s->token($service, { do => 'sleep', ms => 9000 });
    begun($t, $id, 1);
    $who->send({ type => 'cancel', id => $id });
    is($s->outcome($id)->{outcome}, 'superseded', "$service: cancel $where");
    $o = $s->spend($service, { do => 'sleep', ms => 9000 }, $id);
    is($o->{outcome}, 'superseded', 'and that is final');
}
is($w->settle->count('record'), 0, 'no effect');

my @late = map { $s->token($_, { do => 'finish', ms => 9000 }) }
    qw/ test pure /;
begun($t, $_, 1), $s->send({ type => 'cancel', id => $_ }) for @late;
is($s->outcome($late[0])->{outcome}, 'ok',
    'a handler that has gone too far is not called back');
is($s->outcome($late[1])->{outcome}, 'superseded', 'a pure one has not');


# too many

my @ids = map { $s->token('test', { do => 'sleep', ms => 700, n => $_ }) } 1 .. 5;
my %got;
$got{ $s->outcome($_)->{outcome} }++ for @ids;
is_deeply(\%got, { ok => 3, busy => 2 }, 'more than max_tasks: busy');


# several requests

for my $with (qw/ pure find ask test /) {
    $id = id();
    $s->send({ type => 'token', id => $id, requests => [
        { service => 'test', value => 1 }, { service => $with, value => 1 } ] });
    is($s->outcome($id)->{error}{code}, 'bad_value',
        "a handler and $with in one token");
}
$id = id();
$s->send({ type => 'token', id => $id, requests => [
    { service => 'count' }, { service => 'pure', value => { do => 'twice' } } ] });
is_deeply($s->outcome($id)->{result}, [2], 'a handler and effects go together');


# the example

$o = $s->spend('stamp', { text => 'hello', bits => 10 });
my ($number, $hash) = ($o->{result} // {})->@{qw/ number hash /};
is($hash, Digest::SHA::sha1_hex("hello$number"), 'examples/handler: a stamp');
like($hash, qr/^00[0-3]/, 'of ten bits');
is($s->spend('stamp', { text => 'hello', bits => 21 })->{error}{message},
    'too many bits', 'its limit is that of nginx.conf');


# nginx.conf

sub conf_test ($directives) {
    return $t->conf_test("token_log done;\n$directives\nserver { listen "
        . '127.0.0.1:%%PORT%%; location / { token_websocket; } }', $main);
}

my @bad = (
    'an unknown handler' => [ 'handler nope; # here',
        qr/unknown handler "nope"/ ],
    'a second handler' => [ "handler test;\nhandler test_pure; # here",
        qr/"handler" is not the only/ ],
    'a handler with pass' => [ "pass /x;\nhandler test; # here",
        qr/"handler" is not the only/ ],
    'pass with a handler' => [ "handler test;\npass /x; # here",
        qr/"pass" is not the only/ ],
    'find with a handler' => [ "handler test;\nfind done; # here",
        qr/"find" is not the only/ ],
    'a handler with arguments' => [ 'handler test 1; # here',
        qr/invalid number of arguments/ ],
    'a handler without a thread pool' => [ "handler test;",
        qr/service "it" needs the thread pool "token"/, 0 ],
    'two handlers of one name' => [ "}\ntest_handler test 1 0; # here\n"
        . 'token_service x {', qr/two modules register a handler "test"/ ],
    'another version of the header' => [ "}\ntest_handler x 2 0; # here\n"
        . 'token_service x {', qr/built with another/ ],
    'a flag of another one' => [ "}\ntest_handler x 1 256; # here\n"
        . 'token_service x {', qr/built with another/ ],
    'a handler without a name' => [ "}\ntest_handler '' 1 0; # here\n"
        . 'token_service x {', qr/built with another/ ],
);

while (my ($name, $case) = splice @bad, 0, 2) {
    my ($directives, $regex, $lined) = @$case;
    my ($ok, $out, $line) = conf_test("token_service it {\n$directives\n}");
    my $where = $lined // 1 ? qr/ in \S+test\.conf:$line\b/ : qr//;
    ok(!$ok && $out =~ /\[emerg\].*$regex/ && $out =~ $where, "fails: $name")
        or diag($ok ? 'it passes' : $out);
}

my ($ok, $out) = conf_test('token_thread_pool work; test_handler more 1 1;'
    . 'token_service it { handler more; append done; }');
ok($ok, 'passes: a handler that a directive has registered') or diag($out);
