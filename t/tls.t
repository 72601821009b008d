# A session over TLS: readers that are slow get all of it, in order, whatever
# was in the middle of being sent; and idle ones take little.

use Test::Token;
use Test::Token::Workers;
use Mojo::JSON qw/ decode_json /;
use Socket qw/ AF_UNIX SOCK_STREAM PF_UNSPEC /;

my $dir = File::Temp::tempdir('token-tls-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    . " -keyout $dir/key.pem -out $dir/cert.pem >$dir/log 2>&1") == 0
    or die 'no certificate';

my $t = Test::Token->new(conf => <<'EOC' =~ s/%%TLS%%/$dir/gr);
token_log      feed  keep=100000;
token_service  send  { append feed; }

server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT1%% ssl sndbuf=8k;
    ssl_certificate      %%TLS%%/cert.pem;
    ssl_certificate_key  %%TLS%%/key.pem;
    token_watch          feed;
    token_allow          send;
    token_max_inflight   1000;
    token_max_message    100000;

    location = /live   { token_websocket; }
    location = /brief  { token_websocket; token_session_time 3s; }
}
EOC
$t->plan(8);
my ($worker) = wait_for(sub { ($t->workers)[0] });


# By openssl's client: what is written and read goes through a pair.
sub tls ($path) {
    socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<&', $its;
        open STDOUT, '>&', $its;
        open STDERR, '>', '/dev/null';
        close $ours;
        exec 'openssl', 's_client', '-quiet', '-connect',
            '127.0.0.1:' . $t->port(1) or POSIX::_exit(127);
    }
    close $its;
    my $raw = Test::Token::Raw->new(socket => $ours);
    $raw->handshake($path, 'Sec-WebSocket-Protocol' => 'token.v1');
    return $raw;
}

# True when it is answered.
sub watch ($raw) {
    $raw->send_frame(1, '{"type":"watch","channel":"feed"}');
    while ((my $text = $raw->message) =~ /^\{/) {
        return 1 if $text =~ /"type":"synced"/;
    }
    return 0;
}

# Up to n values of records, and what comes instead of the rest.
sub records ($raw, $n) {
    my @values;
    while (@values < $n) {
        my $text = $raw->message;
        return @values, $text unless $text =~ /^\{/;
        push @values, map { $_->{type} eq 'record' ? $_->{value} : () }
            map { decode_json($_) } split /\n/, $text;
    }
    return @values;
}


# idle ones, beside one that has made OpenSSL ready

my $first = tls('/live');
ok(watch($first), 'a session over TLS');
my $before = rss($worker);
my @idle = map { my $s = tls('/live'); watch($s); $s } 1 .. 24;
my $grown = (rss($worker) - $before) / 24 / 1024;
my $most = is_sanitized($t) ? 64 : 1;   # its malloc() keeps what was freed
cmp_ok($grown, '<', 24 * $most,
    sprintf 'an idle session takes %.1f KB', $grown);
@idle = ();


# a slow one, whose time is over while it does not read: then its close frame
# queues behind what the socket has not taken

my $slow = tls('/brief');
watch($slow);

# one at a time, so that the socket is full in the middle of a short one; a
# record of TLS has 16 KB
my @sizes = map { 8000 + $_ } 1 .. 120;
my $p = $t->connect;
is(scalar(grep { $p->outcome($p->token('send', 'x' x $_))->{outcome} eq 'ok' }
    @sizes), 120, 'nobody waits for a reader that does not read');
my $code = $t->connect('/brief')->closed;

my @got = records($slow, 121);
is(pop @got, "close $code", 'its close frame comes');
cmp_ok(scalar(@got), '>', 10, 'behind what was before it');
is_deeply([map { length } @got], [@sizes[0 .. $#got]], 'in order');
is(scalar(grep { /^x*$/ } @got), scalar(@got), 'as it was');


# one that goes on to read

is_deeply([map { length } records($first, 120)], \@sizes,
    'what was held back is caught up with');
