# Logs: append, what a watcher gets, retention, resume.  PROTOCOL.md, 4.2.

use Test::Token;
use Time::HiRes qw/ time /;

my $t = Test::Token->new(conf => <<'EOC');
token_log  chat;
token_log  short  keep=5;
token_log  brief  age=1s;
token_atom noise  0;

token_service  send   { append chat; }
token_service  twice  { append chat '{"n": 1}'; append chat '{"n": 2}'; }
token_service  short  { append short; }
token_service  brief  { append brief; }
token_service  noise  { add noise 1; }
token_service  wrong  { append $token_arg_log; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch  chat short brief;
    token_allow  send twice short brief noise wrong;

    location = /live { token_websocket; }
    location = /user {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_websocket;
    }
}
EOC
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(53);

# The values of records as they come.
sub values_of ($s, $n, $channel = 'chat') {
    return join ' ', map {
        $s->expect({ type => 'record', channel => $channel })->{value} // '-'
    } 1 .. $n;
}


my $s = $t->connect;
my $w = $t->connect;

my $watching = $w->watch('chat');
is($watching->{kind}, 'log', 'watching: kind');
is($watching->{seq}, 0, 'an empty log');

my $id = $s->token('send', { text => 'hello' });
my $o = $s->outcome($id);
is($o->{outcome}, 'ok', 'append');

my $m = $w->expect('record');
is($m->{channel}, 'chat', 'a record: channel');
is($m->{seq}, $o->{seq}, 'seq');
is($m->{token}, $id, 'the token that appended it');
ok(exists $m->{user} && !defined $m->{user}, 'user: null');
cmp_ok(abs($m->{time} - time * 1000), '<', 5000, 'time');
is_deeply($m->{value}, { text => 'hello' }, 'value');

my $alice = $t->connect('/user', user => 'alice');
is($alice->hello->{user}, 'alice', 'a session with a user');
$alice->spend('send', { text => 'hi', user => 'mallory', time => 1 });
$m = $w->expect('record');
is($m->{user}, 'alice', 'the user is the server\'s word');
cmp_ok($m->{time}, '>', 1, 'and so is the time');
is($m->{value}{user}, 'mallory', 'whatever the value says');

$o = $s->spend('twice');
$m = $w->expect('record');
my $second = $w->expect('record');
is_deeply([ $m->{value}{n}, $second->{value}{n} ], [ 1, 2 ],
    'two appends in one service, in order');
is($second->{seq}, $m->{seq} + 1, 'each with a seq of its own');
is($o->{seq}, $second->{seq}, 'the outcome has the last');
is($m->{token}, $second->{token}, 'both with the same token');


# many, in order, once

my @ids = map { $s->token('send', $_) } 1 .. 60;
my $seq = 0;
my $ordered = 1;

for my $n (1 .. 60) {
    $m = $w->expect('record');
    $ordered &&= ($m->{value} // 0) == $n && $m->{token} eq $ids[$n - 1]
        && $m->{seq} > $seq;
    $seq = $m->{seq} // 0;
}
ok($ordered, 'sixty in flight: all come, in the order they were sent');
is(scalar(grep { $s->outcome($_)->{outcome} ne 'ok' } @ids), 0, 'all are ok');


# the newest, and the rest

my $last = $t->connect;
$watching = $last->watch('chat', last => 3);
is($watching->{recovered}, false, 'last: no cursor, so not recovered');
is(values_of($last, 3), '58 59 60', 'the newest three');
$last->settle;
is($last->count('record'), 0, 'and no more');
$s->spend('send', 61);
is(values_of($last, 1), '61', 'then what is new');

my $all = $t->connect;
$watching = $all->watch('chat');
$all->settle;
my @records = $all->drain('record');
is(scalar @records, 65, 'without last: everything');
is($records[-1]{seq}, $watching->{seq}, 'watching says where the snapshot ends');


# resuming

my $epoch = $w->hello->{epoch};
$all->cut;
$s->spend('send', $_) for 62 .. 64;

my $again = $t->connect;
$watching = $again->watch('chat', epoch => $epoch, seq => $records[-1]{seq});
is($watching->{recovered}, true, 'a log resumes');
is(values_of($again, 3), '62 63 64', 'right after the cursor');
$again->settle;
is($again->count('record'), 0, 'without a duplicate');

$again = $t->connect;
my $cursor = $again->hello->{seq};
$s->spend('noise') for 1 .. 3;
$watching = $again->watch('chat', epoch => $epoch, seq => $cursor, last => 1);
is($watching->{recovered}, true, 'nothing new is recovered, too');
$again->settle;
is($again->count('record'), 0, 'and sends nothing');

$again = $t->connect;
$watching = $again->watch('chat', epoch => $epoch, seq => 0);
is($watching->{recovered}, true, 'a cursor of 0 is one');
$again->settle;
is($again->count('record'), 68, 'and everything follows');

$again = $t->connect;
$watching = $again->watch('chat', epoch => 'f' x 32, seq => $cursor, last => 2);
is($watching->{recovered}, false, 'the cursor of another store');
is($watching->{reset}, 'epoch', 'is reset');
is(values_of($again, 2), '63 64', 'and the newest follow');

$again = $t->connect;
$watching = $again->watch('chat', epoch => $epoch, seq => 1_000_000, last => 1);
is($watching->{reset}, 'future', 'a cursor ahead of the store');
is($watching->{recovered}, false, 'is not recovered');
is(values_of($again, 1), '64', 'and the newest follow');

$again = $t->connect;
$again->send({ type => 'watch', channel => 'chat', seq => 'x', epoch => $epoch });
is($again->expect('error')->{code}, 'bad_message', 'a cursor that is none');


# retention by count

my @seqs = map { $s->spend('short', $_)->{seq} } 1 .. 8;
my $short = $t->connect;
$watching = $short->watch('short');
is(values_of($short, 5, 'short'), '4 5 6 7 8', 'keep=5 keeps five');
$short->settle;
is($short->count('record'), 0, 'and not more');

$short = $t->connect;
$watching = $short->watch('short', epoch => $epoch, seq => $seqs[2]);
is($watching->{recovered}, true, 'a cursor right before the oldest');
is(values_of($short, 5, 'short'), '4 5 6 7 8', 'has missed nothing');

$short = $t->connect;
$watching = $short->watch('short', epoch => $epoch, seq => $seqs[1], last => 2);
is($watching->{recovered}, false, 'a cursor that has missed one');
is($watching->{reset}, 'retention', 'is reset');
is(values_of($short, 2, 'short'), '7 8', 'and the newest follow');


# retention by age

$s->spend('brief', 'old');
my $after = time + 1.2;
wait_for(sub { time > $after });
$s->spend('brief', 'new');
my $brief = $t->connect;
$brief->watch('brief');
is(values_of($brief, 1, 'brief'), 'new', 'age=1s has dropped the old one');


# unwatch

$w->send({ type => 'unwatch', channel => 'chat' });
is($w->expect('unwatched')->{channel}, 'chat', 'unwatch');
$w->settle;
$w->drain('record');
$s->spend('send', 'unseen');
$w->settle;
is($w->count('record'), 0, 'nothing follows');
$w->watch('chat', last => 1);
is(values_of($w, 1), 'unseen', 'and the channel can be watched again');


# what is not there

is($s->spend('wrong', { log => 'nope' })->{error}{code}, 'unknown_channel',
    'append to a log that is not configured');
is($s->spend('wrong', { log => 'noise' })->{error}{code}, 'unknown_channel',
    'append to an atom');
is($s->watch('noise')->{code}, 'unknown_channel',
    'a channel that this location does not allow');
