# Several sessions have much to catch up with, while another worker writes the
# store: they do so in many turns, and the rest of the worker has its turn.
# DESIGN.md, G4 and G8.

use Test::Token;
use Test::Token::Workers;
use IO::Select;

use constant { READERS => 8, RECORDS => 200, CHANGES => 200 };

my $t = Test::Token->new(workers => 2, main =>
    'error_log %%DIR%%/logs/debug.log debug_http;', conf => <<'EOC');
token_log      past;
token_log      feed;
token_service  past  { append past; }
token_service  feed  { append feed; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_max_message 1m;
    token_max_inflight 1000;
    token_watch  past feed;
    token_allow  past feed;
    location = /live { token_websocket; }
}
EOC
$t->plan(3);

my $writer = $t->connect('/live');
for (1 .. RECORDS / 10) {
    my @ids = map { $writer->token('past', 'x' x 60_000) } 1 .. 10;
    $writer->outcome($_) for @ids;
}


# A client on the other worker.
sub reader () {
    for (1 .. 200) {
        my $raw = $t->raw;
        $raw->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
        if ($raw->header('X-Worker') != $writer->worker) {
            $raw->send_frame(1, '{"type":"watch","channel":"feed"}');
            return $raw;
        }
        $raw->end;
    }
    die 'no session on the other worker';
}

my @readers = map { reader() } 1 .. READERS;
my %of = map { fileno $_->{socket} => $_ } @readers;
my $select = IO::Select->new(map { $_->{socket} } @readers);

# What there is.  A record may be cut in two, but its head has less than 100
# bytes, and what comes behind that is longer.
sub drain () {
    for my $socket ($select->can_read(0.1)) {
        sysread $socket, my $bytes, 1 << 20 or next;
        my $raw = $of{fileno $socket};
        $raw->{rest} .= $bytes;
        push $raw->{$1}->@*, $2
            while $raw->{rest} =~ s/\A.*?"record","channel":"(\w+)","seq":(\d+)//s;
        substr $raw->{rest}, 0, -100, '' if length $raw->{rest} > 100;
    }
}


my $sent = 0;
for my $asked (1 .. 2) {
    $_->send_frame(1, '{"type":"watch","channel":"past"}') for @readers;
    my @ids = map { $writer->token('feed', $sent++) } 1 .. CHANGES;
    $writer->outcome($ids[0]);
    wait_for(sub {
        drain();
        return !grep { ($_->{past} // [])->@* < $asked * RECORDS
            || ($_->{feed} // [])->@* < $sent } @readers;
    }, 30) or last;
    $writer->outcome($_) for @ids[1 .. $#ids];
    $_->send_frame(1, '{"type":"unwatch","channel":"past"}') for @readers;
}

ok($t->read_file('logs/debug.log') =~ /go on in the next turn/,
    'some have waited for the next turn');
my %orders = map { join(' ', ($_->{feed} // [])->@*) => 1 } @readers;
is(join('', keys %orders), join(' ', RECORDS + 1 .. RECORDS + $sent),
    'each reader has all that came, in order, once');
my $past = join ' ', map { 1 .. RECORDS } 1 .. 2;
is(scalar(grep { join(' ', ($_->{past} // [])->@*) eq $past } @readers),
    READERS, 'and all that was before, each time');

$_->end for @readers;
