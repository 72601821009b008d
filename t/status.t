# token_status: what all workers have and have done, in both formats.

use Test::Token;
use Test::Token::Workers;
use Mojo::JSON qw/ decode_json /;

my $conf = <<'EOC';
token_atom  switch  false;
token_log   chat;
token_log   quiet;

token_service  toggle  { toggle switch; }
token_service  send    { append chat; }
token_service  add     { add switch 1; }
token_service  slow    { delay 10m; }
token_service  'odd "\\one'  { }

server {
    listen 127.0.0.1:%%PORT%%;
    keepalive_timeout  0;
    token_watch  switch chat;
    token_allow  toggle send add slow 'odd "\\one';
    add_header   X-Worker $pid always;

    location = /live    { token_websocket; }
    location = /status  { token_status; }
    location = /json    { token_status json; }
    location = /metrics { token_status prometheus; }
    location = /none    { token_status; deny all; }
}
EOC

my $t = Test::Token->new(workers => 2, allow => qr/exited on signal 9/,
    main => 'thread_pool token threads=2;', conf => $conf);
$t->plan(48);


sub status () { return decode_json($t->get('/status')->body) }


# The samples of Prometheus's text, by name and labels; dies of what is none.
sub metrics () {
    my (%samples, %type, $family);
    for (split /\n/, $t->get('/metrics')->body) {
        if (/\A# HELP (\w+) \S.*\.\z/) {
            die "twice: $1" if exists $type{$1};
            $type{$family = $1} = undef;
        } elsif (/\A# TYPE (\w+) (?:counter|gauge)\z/) {
            die "not before its values: $_" if $1 ne $family || $type{$1};
            $type{$1} = 1;
        } elsif (/\A((\w+)(?:\{(?:,?\w+="(?:[^"\\\n]|\\[\\"n])*")+\})?) (\d+)\z/) {
            die "not in its family: $_" if $2 ne $family || !$type{$2};
            die "twice: $1" if exists $samples{$1};
            $samples{$1} = $3;
        } else {
            die "neither a comment nor a sample: $_";
        }
    }
    return \%samples;
}


# the request

my $res = $t->get('/status');
is($res->code, 200, 'status');
is($res->headers->content_type, 'application/json', 'JSON by default');
is($res->headers->cache_control, 'no-store', 'and not to be kept');
is($t->get('/json')->headers->content_type, 'application/json', 'json');
is($t->get('/metrics')->headers->content_type, 'text/plain; version=0.0.4',
    'prometheus');
is($t->ua->head($t->url('/status'))->result->code, 200, 'HEAD');
is($t->ua->post($t->url('/status'))->result->code, 405, 'POST');
is($t->get('/none')->code, 403, 'nginx decides who may see it');


# nothing yet

my $st = status();
is($st->{workers}, 2, 'workers');
is_deeply($st->{sessions}{open}, 0, 'no session');
is($st->{store}{up}, 1, 'the store is open');
is($st->{store}{size}, 64 << 20, 'its size');
cmp_ok($st->{store}{used}, '<=', $st->{store}{file}, 'no more than the file');
is_deeply($st->{logs}, { chat => 0, quiet => 0 }, 'empty logs');
is($st->{tokens}{services}{toggle}{ok}, 0, 'no token');
is($st->{tokens}{services}{'odd "\\one'}{ok}, 0, 'a name that is escaped');
is(metrics()->{'nginx_token_tokens_total{service="odd \\"\\\\one",outcome="ok"}'},
    0, 'also in a label');


# sessions of both workers

my ($s, $other) = pair($t);
$_->watch('chat') for $s, $other;
is(wait_for(sub { status()->{sessions}{open} == 2 }), 1,
    'sessions of both workers');
my $opened = status()->{sessions}{opened};

my $id = Test::Token::id();
my $o = $s->spend('send', 'hello', $id);
$_->expect('record') for $s, $other;
$s->spend('send', 'hello', $id);
is($s->spend('nonsense')->{outcome}, 'rejected', 'an unknown service');
is($s->spend('toggle')->{outcome}, 'ok', 'a toggle');
is($s->spend('add')->{outcome}, 'rejected', 'a rejected effect');
my $slow = $other->token('slow');
wait_for(sub { status()->{tokens}{offloaded} });

$st = status();
is($st->{tokens}{services}{send}{ok}, 1, 'ok, once');
is($st->{tokens}{repeated}, 1, 'what came again');
is_deeply($st->{tokens}{refused}, { rejected => 1, busy => 0 },
    'refused before it began');
is($st->{tokens}{services}{toggle}{ok}, 1, 'by service');
is($st->{tokens}{services}{add}{rejected}, 1, 'and outcome');
is($st->{tokens}{running}, 1, 'running');
is($st->{traffic}{changes}, 2, 'a change, encoded by two workers');
is($st->{traffic}{deliveries}, 2, 'given to two sessions');
cmp_ok($st->{traffic}{messages}, '>=', 8, 'messages');
cmp_ok($st->{traffic}{sent}, '>', 500, 'bytes sent');
cmp_ok($st->{traffic}{received}, '>', 500, 'and received');
cmp_ok($st->{commits}{records}, '>=', 3, 'tokens in commits');
cmp_ok($st->{commits}{transactions}, '>=', 1, 'commits');
cmp_ok($st->{commits}{nanoseconds}, '>', 0, 'take time');
is($st->{store}{seq}, $o->{seq} + 1, 'seq');
is($st->{store}{ledger}, 3, 'outcomes in the ledger');
is_deeply($st->{logs}, { chat => 1, quiet => 0 }, 'records');

my $m = metrics();
is("$m->{nginx_token_sessions} $m->{'nginx_token_log_records{log=\"chat\"}'} "
    . $m->{'nginx_token_tokens_total{service="send",outcome="ok"}'},
    '2 1 1', 'the same for Prometheus');


# a session ends; a worker is killed

$s->close;
wait_for(sub { status()->{sessions}{closed}{1000} });
$st = status();
is("$st->{sessions}{open} $st->{sessions}{closed}{1000}", '1 1',
    'a close, by its code');

kill 9, $other->worker;
wait_for(sub { is_gone($other->worker) && status()->{workers} == 2 });
$st = status();
is("$st->{sessions}{open} $st->{tokens}{running}", '0 0',
    'what a killed worker had is not there any more');
is("$st->{sessions}{opened} $st->{tokens}{services}{send}{ok}",
    "$opened 1", 'what it has done is');
is($st->{workers}, 2, 'another has its place');


# a reload

$t->reload;
$st = status();
is("$st->{sessions}{opened} $st->{tokens}{services}{send}{ok}",
    "$opened 1", 'goes on after a reload');

$t->{conf} =~ s/^token_service  slow .*\n//m;
$t->{conf} =~ s/ slow//;
$t->write_file('nginx.conf', $t->config);
$t->reload;
$st = status();
is($st->{sessions}{opened}, 0, 'other services: begins anew');
is(join(' ', sort keys $st->{tokens}{services}->%*),
    'add odd "\\one send toggle', 'with their names');


# nothing but its own location

$t = Test::Token->new(store => 0, conf => <<'EOC');
server {
    listen 127.0.0.1:%%PORT%%;
    location = /status  { token_status; }
}
EOC
is(status()->{workers}, 1, 'a worker that has nothing else to do');
is_deeply(status()->{store}, { up => 0 }, 'without a store');
