# Many sessions begin to watch in one turn of a worker, while another one writes
# the store: they share a snapshot, so that what has come meanwhile is not
# fanned out before each of them; and who is to wait for a later turn has been
# sent what he was answered.
# DESIGN.md, G8.

use Test::Token;
use Test::Token::Workers;
use IO::Select;

use constant { WATCHERS => 200, CHANGES => 50 };

my $t = Test::Token->new(workers => 2, connections => 1000,
    main => 'error_log %%DIR%%/logs/debug.log debug_event debug_http;', conf => <<'EOC');
token_log      feed;
token_service  feed  { append feed; }

server {
    listen 127.0.0.1:%%PORT%% reuseport backlog=1024;
    add_header X-Worker $pid always;
    token_max_inflight 1000;
    token_watch  feed;
    token_allow  feed;
    location = /live { token_websocket; }
}
EOC
$t->plan(4);

my $writer = $t->connect('/live');
my $other;


# A client on the other worker.
sub watcher () {
    for (1 .. 200) {
        my $raw = $t->raw;
        $raw->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
        $other = $raw->header('X-Worker');
        return $raw if $other != $writer->worker;
        $raw->end;
    }
    die 'no session on the other worker';
}

my @watchers = map { watcher() } 1 .. WATCHERS;
my %of = map { fileno $_->{socket} => $_ } @watchers;
my $select = IO::Select->new(map { $_->{socket} } @watchers);

sub snapshots () {
    my $n = () = $t->read_file('logs/debug.log') =~ /begins a snapshot/g;
    return $n;
}


# all at once, as after a worker's death

my @ids = map { $writer->token('feed', $_) } 1 .. CHANGES;
$writer->outcome($_) for @ids;
my $before = snapshots();
my $logged = length $t->read_file('logs/debug.log');
kill STOP => $other;
$_->send_frame(1, '{"type":"watch","channel":"feed"}') for @watchers;
@ids = map { $writer->token('feed', $_) } 1 .. CHANGES;
$writer->outcome(shift @ids);
kill CONT => $other;

ok(wait_for(sub {
    for my $socket ($select->can_read(0.1)) {
        sysread $socket, my $bytes, 1 << 20 or next;
        my $raw = $of{fileno $socket};
        $raw->{rest} .= $bytes;
        push $raw->{seqs}->@*, $1
            while $raw->{rest} =~ s/\A.*?"record","channel":"feed","seq":(\d+)//s;
    }
    return !grep { ($_->{seqs} // [])->@* < 2 * CHANGES } @watchers;
}, 30), 'each watcher has all that came');
$writer->outcome($_) for @ids;

my %orders = map { join(' ', ($_->{seqs} // [])->@*) => 1 } @watchers;
is(join('', keys %orders), join(' ', 1 .. 2 * CHANGES), 'in order, once');

my $n = snapshots() - $before;
ok($n < WATCHERS / 4, 'by a few snapshots') or diag("$n snapshots");

# the first turn, as the log tells it
my ($turn) = substr($t->read_file('logs/debug.log'), $logged)
    =~ /\A(.*?)sessions go on in the next turn/s;
my %answered = map { $_ => 1 } ($turn // '') =~ /$other#.* send: fd:(\d+) \d/g;
is(scalar keys %answered, WATCHERS,
    'all of them are answered in the first turn');

$_->end for @watchers;
