# A long round waits for the commit that is under way: many watchers and some
# who publish, each again when it is answered.  DESIGN.md, G3 and G7.

use Test::Token;
use Test::Token::Workers;
use IO::Select;

use constant { WATCHERS => 600, PUBLISHERS => 16 };

my $t = Test::Token->new(workers => 1, connections => 1000,
    main => 'error_log %%DIR%%/logs/debug.log debug_http;', conf => <<'EOC');
token_log      feed  keep=100000;
token_service  feed  { append feed; }

server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    token_watch  feed;
    token_allow  feed;
    location = /live { token_websocket; }
}
EOC
$t->plan(is_sanitized($t) ? 3 : 4);

my @watchers = map {
    my $raw = $t->raw;
    $raw->handshake('/live', 'Sec-WebSocket-Protocol' => 'token.v1');
    $raw->send_frame(1, '{"type":"watch","channel":"feed"}');
    $raw;
} 1 .. WATCHERS;
my @publishers = map { $t->connect('/live') } 1 .. PUBLISHERS;
$_->watch('feed') for @publishers;

my %of = map { fileno $_->{socket} => $_ } @watchers;
my $select = IO::Select->new(map { $_->{socket} } @watchers);


# Reads what there is, for a moment: their sockets are to have room.
sub drain ($seconds) {
    for my $socket ($select->can_read($seconds)) {
        sysread $socket, my $bytes, 1 << 20 or next;
        my $raw = $of{fileno $socket};
        $raw->{rest} .= $bytes;
        push $raw->{seqs}->@*, $1
            while $raw->{rest} =~ s/\A.*?"record","channel":"feed","seq":(\d+)//s;
        substr $raw->{rest}, 0, -100, '' if length $raw->{rest} > 100;
    }
}


# until a round has waited
my ($sent, $ok, $changed) = (0, 0, 0);
my @reached = (0) x PUBLISHERS;
for (1 .. 200) {
    my @ids = map { $_->token('feed', 'x' x 200) } @publishers;
    $sent += @ids;
    for my $i (keys @ids) {
        drain(0);
        my $outcome = $publishers[$i]->outcome($ids[$i]);
        $ok++ if $outcome->{outcome} eq 'ok';
        # G3: what it changed has come before it
        my $newest = 0;
        while (my $record = $publishers[$i]->take('record')) {
            $newest = $record->{seq};
        }
        $reached[$i] = $newest if $newest;
        $changed++ if $reached[$i] >= $outcome->{seq};
    }
    last if is_sanitized($t) && $_ == 10;
    last if $t->read_file('logs/debug.log') =~ /token round waits/;
}

note("$sent tokens");
is($ok, $sent, 'every token is answered');
is($changed, $sent, 'after its change');
# with a sanitizer a commit may take as long as a round
is_sanitized($t) or ok($t->read_file('logs/debug.log') =~ /token round waits/,
    'a long round has waited for a commit');

wait_for(sub {
    drain(0.1);
    return !grep { ($_->{seqs} // [])->@* < $sent } @watchers;
}, 30);
my %orders = map { join(' ', ($_->{seqs} // [])->@*) => 1 } @watchers;
is(join('', keys %orders), join(' ', 1 .. $sent),
    'each watcher has all of it, in order, once');

close $_->{socket} for @watchers;
