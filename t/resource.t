# token_resource: channels as they are at the moment, by plain HTTP.

use Test::Token;
use Mojo::JSON qw/ decode_json /;

my $t = Test::Token->new(allow => qr/the token store/, conf => <<'EOC');
token_atom  switch    false;
token_atom  votes/*   0;
token_atom  votes/eu/*  10;
token_atom  big/*     null;
token_atom  secret    1;
token_log   chat      keep=5;
token_log   long;
token_presence  room  grace=0;

token_service  toggle  { toggle switch; }
token_service  clear   { delete switch; }
token_service  vote    { add votes/$token_arg_item 1; }
token_service  big     { set big/$token_arg_item $token_arg_text; }
token_service  send    { append chat; }
token_service  long    { append long; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch  switch votes/* big/* chat long room;
    token_allow  toggle clear vote big send long;
    token_max_message  2m;

    location = /live    { token_websocket; }
    location /state/    { token_resource; }
    location = /now     { token_resource switch; }
    location ~ ^/p/(.*) { token_resource votes/$1; }
    location = /of      { token_resource $arg_log; }
    location /few/      { token_resource; token_watch votes/1; }
    location /user/     {
        token_resource; auth_basic "x"; auth_basic_user_file %%DIR%%/users;
    }
    location /if/       { token_resource; if ($arg_x) { set $y 1; } }
}
EOC
$t->write_file(users => "alice:{PLAIN}\n");
$t->plan(75);

my $s = $t->connect;
my $epoch = $s->hello->{epoch};

sub body ($path) { return decode_json($t->get($path)->body) }
sub seqs ($path) { return join ' ', map { $_->{seq} } body($path)->@* }

# The next piece, as the Link header says.
sub next_of ($res, $path) {
    my $link = $res->headers->header('Link') // return;
    my ($query) = $link =~ /\A<(\?[!-~]+)>; rel="next"\z/ or die $link;
    return "$path$query";
}


# an atom

my $res = $t->get('/state/switch');
is($res->code, 200, 'an atom');
is($res->body, 'false', 'is its initial value at first');
is($res->headers->content_type, 'application/json', 'JSON');
is($res->headers->cache_control, 'no-cache', 'to be asked for again');
like($res->headers->etag, qr{\A"0-$epoch-}, 'version 0');

my $seq = $s->spend('toggle')->{seq};
$res = $t->get('/state/switch');
is($res->body, 'true', 'the value');
my $etag = $res->headers->etag;
is($etag, qq{"$seq-$epoch"}, 'its version is in the ETag');
is($t->get('/now')->body, 'true', 'a location for one channel');
is($t->get('/if/switch?x=1')->body, 'true', 'with an if');

$res = $t->get('/state/switch', { 'If-None-Match' => $etag });
is($res->code, 304, 'what has not changed is not sent again');
is($res->body, '', 'without a body');
$s->spend('toggle');
is($t->get('/state/switch', { 'If-None-Match' => $etag })->body, 'false',
    'what has changed is');
$seq = $s->spend('clear')->{seq};
is($t->get('/state/switch')->headers->etag, qq{"$seq-$epoch"},
    'deleting is a change, too');

$res = $t->ua->head($t->url('/state/switch'))->result;
is($res->code . $res->body, '200', 'HEAD');
is($res->headers->content_length, 5, 'has the length');
is($t->ua->post($t->url('/state/switch'))->result->code, 405, 'POST');
is($t->ua->put($t->url('/state/switch') => 'true')->result->code, 405, 'PUT');


# who may see what

is($t->get('/state/secret')->code, 404, 'not in token_watch');
is($t->get('/state/nothing')->code, 404, 'no such channel');
is($t->get('/state/')->code, 404, 'no name');
is($t->get('/state/votes/')->code, 404, 'a family without its star');
is($t->get('/state/secret/*')->code, 404, 'no such family');
is($t->get('/state/%00')->code, 400, 'nginx refuses a null');
is($t->get('/state/' . 'x' x 300)->code, 404, 'a long name');
is($t->get('/few/votes/1')->code, 200, 'a single member');
is($t->get('/few/votes/2')->code, 404, 'no other');
is($t->get('/few/votes/*')->code, 404, 'nor the family');
is($t->get('/user/switch')->code, 401, 'nginx decides who may ask');


# families

is_deeply(body('/state/votes/*'), [], 'an empty family');
is($t->get('/state/votes/7')->body, '0', 'a member that was never set');
is($t->get('/state/votes/eu/7')->body, '10', 'of the longest family');
$s->spend('vote', { item => $_ }) for 7, 1, 'a b&c', "\x{20ac}", 'eu/1';
is($t->get('/p/7')->body, '1', 'a member by a variable');
is($t->get('/state/votes/a%20b&c')->body, '1', 'a name that is escaped');
is(join(' ', map { "$_->{channel}=$_->{value}" } body('/state/votes/*')->@*),
    "votes/1=1 votes/7=1 votes/a b&c=1 votes/eu/1=11 votes/\x{20ac}=1",
    'all members, in order');
is_deeply([ sort keys body('/state/votes/*')->[0]->%* ],
    [ qw/ channel seq type value / ], 'each as in the protocol');

my ($path, @names) = ('/state/votes/*?limit=2');
my $pieces = 0;
while ($path) {
    $res = $t->get($path);
    push @names, map { $_->{channel} } decode_json($res->body)->@*;
    $path = next_of($res, '/state/votes/*');
    $pieces++;
}
is($pieces, 3, 'in pieces');
is(join(' ', @names), "votes/1 votes/7 votes/a b&c votes/eu/1 votes/\x{20ac}",
    'which add up');

for my $bad ('0', '1001', 'x', '-1', '99999999999999999999') {
    is($t->get("/state/votes/*?limit=$bad")->code, 400, "limit=$bad");
}

$s->spend('big', { item => $_, text => 'x' x 700_000 }) for 1 .. 3;
$res = $t->get('/state/big/*');
is(scalar decode_json($res->body)->@*, 2, 'a piece is bounded in bytes');
$res = $t->get(next_of($res, '/state/big/*'));
is(decode_json($res->body)->[0]{channel}, 'big/3', 'and goes on');
is($res->headers->header('Link'), undef, 'to its end');
for my $long ([ 'votes/1', 4 ], [ 'z', 0 ], [ 'a', 5 ]) {
    my ($after, $n) = @$long;
    is(scalar body("/state/votes/*?after=$after" . 'x' x 4000)->@*, $n,
        'after what is too long for a name');
}


# logs

is_deeply(body('/state/chat'), [], 'an empty log');
my @seqs = map { $s->spend('send', $_)->{seq} } 1 .. 8;
is(seqs('/state/chat'), "@seqs[3 .. 7]", 'what is kept');
is(seqs('/state/chat?last=2'), "@seqs[6, 7]", 'the last ones');
is(seqs('/state/chat?limit=2'), "@seqs[6, 7]", 'no more of them');
is(seqs("/state/chat?after=$seqs[5]"), "@seqs[6, 7]", 'after one');
is(seqs("/state/chat?after=$seqs[2]"), "@seqs[3 .. 7]", 'after the last dropped');
is(seqs('/state/chat?after=0'), "@seqs[3 .. 7]", 'all that there are');
is(seqs("/state/chat?after=$seqs[7]"), '', 'after the newest');
is($t->get("/state/chat?after=$seqs[1]")->code, 410, 'gone');
is($t->get('/state/chat?after=' . ($seqs[7] + 1))->code, 410,
    'what is yet to come was another store');
is($t->get('/state/chat?after=x')->code, 400, 'no number');
is($t->get('/state/chat?last=0')->code, 400, 'none');
is_deeply([ sort keys body('/state/chat')->[0]->%* ],
    [ qw/ channel seq time token type user value / ],
    'each as in the protocol');

$etag = $t->get('/state/chat')->headers->etag;
is($t->get('/state/chat', { 'If-None-Match' => $etag })->code, 304,
    'a log that has not grown');
$s->spend('send', 9);
is($t->get('/state/chat', { 'If-None-Match' => $etag })->code, 200,
    'one that has');

my @ids = map { $s->token('long', $_) } 1 .. 60;
$s->outcome($_) for @ids;
is(scalar body('/state/long')->@*, 50, '50 by default');

($path, my @values, $pieces) = ('/state/long?after=0&limit=25');
while ($path) {
    $res = $t->get($path);
    push @values, map { $_->{value} } decode_json($res->body)->@*;
    $path = next_of($res, '/state/long');
}
is("@values", join(' ', 1 .. 60), 'a whole log in pieces');

$path = '/of?After=0&log=long&limit=25&x=<%3E>%22"&&last';
$res = $t->get($path);
is($res->headers->header('Link') =~ s/after=\d+/after=N/r,
    '<?log=long&x=%3C%3E%3E%22%22&after=N&limit=25>; rel="next"',
    'other arguments stay, and do not break out');
@values = ();
while ($path) {
    $res = $t->get($path);
    push @values, map { $_->{value} } decode_json($res->body)->@*;
    $path = next_of($res, '/of');
}
is("@values", join(' ', 1 .. 60), 'one of them may be the name');



# presence

is_deeply(body('/state/room'), { type => 'presence', channel => 'room',
    users => [], anonymous => 0 }, 'nobody');
$s->watch('room');
ok(wait_for(sub { body('/state/room')->{anonymous} == 1 }), 'somebody');
is($t->get('/state/room')->headers->etag, undef, 'has no version');


# a store that is not there for a while

$s->close;
my $dir = $t->dir;
rename "$dir/store", "$dir/away" or die "rename: $!";
ok(wait_for(sub { $t->get('/state/switch')->code == 503 }), 'no store');
is($t->get('/state/secret')->code, 404, 'a name is looked at before');
rename "$dir/away", "$dir/store" or die "rename: $!";
ok(wait_for(sub { $t->get('/state/switch')->code == 200 }), 'is there again');


# another initial value

$etag = $t->get('/state/votes/99')->headers->etag;
is($t->get('/state/votes/99', { 'If-None-Match' => $etag })->code, 304,
    'an initial value that has not changed');
$t->{conf} =~ s/^token_atom  votes.*\K0;/1;/m;
$t->write_file('nginx.conf', $t->config);
$t->reload;
is($t->get('/state/votes/99', { 'If-None-Match' => $etag })->body, '1',
    'one that has');
