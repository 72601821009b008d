# A disk that fails, is full, or is taken away: tokens are refused with a clear
# error, nginx serves on, and what was acknowledged is kept.

use Test::Token;
use Test::Token::Workers;
use Errno qw/ EIO ENOSPC /;
use File::Basename qw/ dirname /;
use File::Copy qw/ copy /;
use File::Path qw/ remove_tree /;
use Time::HiRes qw/ time /;

my $conf = <<'EOC';
token_store %%DIR%%/store  size=SIZE  sync=on;

token_atom  count  0;
token_log   all;

token_service  add   { add count 1; append all; }
token_service  many  { append all; }

server {
    listen 127.0.0.1:%%PORT%% reuseport;
    add_header X-Worker $pid always;
    token_watch count all;
    token_allow add many;
    location = /live  { token_websocket; token_max_message 1m; }
    location = /other { return 200 "here\n"; }
}
EOC

sub sized ($size) { return $conf =~ s/SIZE/$size/r }

my $t = Test::Token->new(start => 0, workers => 2, conf => sized('64m'),
    allow => qr/\[crit\].*token store|exited on signal 9/);
$t->plan(80);

sub serves ($name) { is($t->get('/other')->body, "here\n", $name) }

my %acked;
sub add ($s, @args) {
    my $o = $s->spend('add', @args);
    $acked{ $o->{id} } = $o->{seq} if ($o->{outcome} // '') eq 'ok';
    return $o->{outcome} . ($o->{error} ? " $o->{error}{code}" : '');
}

# What the store has: the counter, and the seqs of the log's records.
sub stored () {
    my $s = $t->connect;
    $s->watch($_) for qw/ count all /;
    $s->expect('synced');
    my $count = $s->expect('atom')->{value};
    my @seqs;
    while (my $m = $s->take('record')) { push @seqs, $m->{seq} }
    $s->close;
    return ($count, "@seqs");
}

sub kept ($name) {
    my ($count, $seqs) = stored();
    is($count, keys %acked, "$name: the effects of each ok, once");
    is($seqs, join(' ', map { $_ - 0 } sort { $a <=> $b } values %acked),
        "$name: every record");
}


# faults of the file system

my $shim = "$t->{dir}/faultfs.so";
my $sanitized = is_sanitized($t);
system('cc', '-shared', '-fPIC', '-O1', '-o', $shim,
    dirname(__FILE__) . '/lib/faultfs.c', '-ldl') == 0
    or die "cc has failed\n";
my $control = "$t->{dir}/fault";

{
    local $ENV{FAULTFS} = $control;
    local $ENV{LD_PRELOAD} = $sanitized ? '' : $shim;
    $t->start;
}

sub fault ($what) {
    return unlink $control unless $what;
    $t->write_file('fault.new', $what);
    rename "$t->{dir}/fault.new", $control;
}

my ($s, $w) = pair($t);
is(add($s), 'ok', 'a token, before');
$w->watch('count');

SKIP: {
    Test::More::skip('a preloaded library and a sanitizer', 40) if $sanitized;

    for my $case ([ 'sync ' . EIO, 'store_error' ],
        [ 'write ' . EIO, 'store_error' ], [ 'write ' . ENOSPC, 'store_full' ])
    {
        my ($what, $code) = @$case;
        my $id = id();
        fault($what);
        is(add($s, 1, $id), "failed $code", "$what: refused with $code");
        is(add($w, 2), "failed $code", 'on the other worker, too');
        is(add($s, 1, $id), "failed $code", 'and again');
        like($t->log, qr/\[crit\].*token store cannot be written: .+/,
            'the log says why');
        serves('nginx serves other locations');
        is($t->connect->settle->is_open, 1, 'and handshakes');
        kept('while it fails');

        fault('');
        is(add($s, 1, $id), 'ok', 'when it is over, the same id is ok');
        is(add($w, 3), 'ok', 'and the other worker goes on');
        kept('after it');
    }

    # faults that come and go while tokens stream
    my @ids;
    for my $n (1 .. 60) {
        fault($n % 6 == 3 ? 'sync ' . EIO : $n % 6 == 5 ? 'write ' . EIO : '');
        push @ids, map { [ $_, $_->token('add', $n) ] } $s, $w, $s, $w;
        wait_for(sub { 0 }, 0.01);
    }
    fault('');
    my ($failed, $lost) = (0, 0);
    for (@ids) {
        my ($session, $id) = @$_;
        my $o = $session->outcome($id);
        if (($o->{outcome} // '') eq 'failed') {
            $failed++;
            $o = $session->outcome($session->token('add', undef, $id));
            $lost++ if ($o->{error}{code} // '') ne 'id_reused'
                && $o->{outcome} ne 'ok';
        }
        $acked{$id} = $o->{seq} if $o->{outcome} eq 'ok';
    }
    cmp_ok($failed, '>', 0, 'of a stream some tokens fail');
    is($lost, 0, 'they may be sent again');
    kept('a stream with faults');
}
fault('');

kill KILL => $t->pid, $t->workers;
waitpid delete $t->{pid}, 0;
wait_for(sub { !Test::Token::connects($t->port) });
ok(!$t->faults, 'no alert so far');
unlink $t->log_file;                    # it does not tell how they ended
$t->start;
kept('killed and started again');


# the store is taken away

# A session, when both workers serve a store whose epoch matches.
sub served ($epoch) {
    my %seen;
    return wait_for(sub {
        my $s = eval { $t->connect };
        %seen = (), return if ref($s) !~ /Session/
            || $s->hello->{epoch} !~ /$epoch/;
        $seen{ $s->worker } = 1;
        return keys %seen == 2 && $s;
    }, 8);
}

$s = $t->connect;
my $epoch = $s->hello->{epoch};
rename "$t->{dir}/store", "$t->{dir}/away" or die;
is($s->closed, 1012, 'the directory is renamed: sessions are sent away');
my $tx;
my $cannot = qr/\[crit\].*cannot be opened: .*\Q$t->{dir}\E\/store/;
ok(wait_for(sub {
    $tx = eval { $t->connect };
    return (() = $t->log =~ /$cannot/g) >= 2;
}, 8), 'the log says what cannot be opened');
is(ref $tx eq 'Mojo::Message::Response' ? $tx->code : 'a session', 503,
    'a handshake is answered with 503');
like($t->log, qr/\[crit\].*has been removed or replaced/, 'and the log why');
serves('nginx serves other locations');

rename "$t->{dir}/away", "$t->{dir}/store" or die;
ok($s = served($epoch), 'the directory is back: service again');
is($s->hello->{epoch}, $epoch, 'with the same store');
kept('the store is back');
is(add($s), 'ok', 'a token');

remove_tree("$t->{dir}/store");
mkdir "$t->{dir}/store";
is($s->closed, 1012, 'the store is deleted: sessions are sent away');
ok($s = served(qr/^(?!$epoch)/), 'a new store, with another epoch');
%acked = ();
is(add($s), 'ok', 'a token');
ok($t->stop, 'nginx stops');


# a full map

remove_tree("$t->{dir}/store");
%acked = ();
$t->{conf} = sized('1m');
$t->start;
$s = $t->connect;
is(add($s, 'first'), 'ok', 'a store of 1 MB');
my ($o, $n) = ({ outcome => 'ok' }, 0);
$o = $s->spend('many', 'x' x 20000) and $n++
    while $o->{outcome} eq 'ok' && $n < 100;
is($o->{error}{code}, 'store_full', 'is full at some time');
cmp_ok($n, '>', 10, 'not before there is something in it');
is($s->spend('many', 'x' x 20000)->{outcome}, 'failed', 'and remains so');
$s->watch('count');
is($s->expect('atom')->{value}, 1, 'what is in it can be read');
serves('nginx serves other locations');
like($t->log, qr/\[crit\].*token store cannot be written: .*MDB_MAP_FULL/,
    'the log says why');

$t->{conf} = sized('8m');
$t->write_file('nginx.conf', $t->config);
my @old = $t->workers;
$t->reload;
wait_for(sub { !grep { !is_gone($_) } @old }, 8);
$s = $t->connect;
my $again = $s->spend('many', 'x' x 20000, $o->{id});
is($again->{outcome}, 'ok', 'a larger size, by a reload: the token is ok');
is(add($s), 'ok', 'and others are');
$s->close;


# what is no store is found by nginx -t

$t->stop;
my $data = "$t->{dir}/store/data.mdb";
copy($data, "$t->{dir}/good");

# nginx -t, with another user where this is root
sub nginx_t ($user = undef) {
    my $text = $t->config =~ s/error\.log/test.log/r;
    $text =~ s/^user .*;/user $user;/m if $user;
    $t->write_file('test.conf', $text);
    unlink "$t->{dir}/test.out";
    my $pid = $t->spawn("$t->{dir}/test.out", $t->{nginx}, '-p', $t->{dir},
        '-c', "$t->{dir}/test.conf", '-e', "$t->{dir}/test.log", '-t');
    waitpid $pid, 0;
    return ($?, $t->read_file('test.out'));
}

my ($rc, $out) = nginx_t();
is($rc, 0, 'a good store') or diag($out);

my %bad = (
    'text'     => sub { $t->write_file('store/data.mdb', "hello\n" x 5000) },
    'a page'   => sub { truncate $data, 4096 },
    'a bit'    => sub { truncate $data, 100 },
    'a half'   => sub { truncate $data, (-s $data) / 2 },
    'zeros'    => sub { truncate $data, 0; truncate $data, 100000 },
);
for my $name (sort keys %bad) {
    copy("$t->{dir}/good", $data);
    unlink "$t->{dir}/store/lock.mdb";
    $bad{$name}->();
    ($rc, $out) = nginx_t();
    is($rc >> 8, 1, "$name: nginx -t fails");
    like($out, qr/\[emerg\].*\Q$data\E.* in .*test\.conf:\d+/,
        'and names the file');
}
copy("$t->{dir}/good", $data);


# a directory that the workers cannot write

my ($user) = grep { defined getpwnam $_ } qw/ www-data nobody daemon /;
chmod 0555, "$t->{dir}/store" if $> != 0;
($rc, $out) = nginx_t($> == 0 ? $user : undef);
is($rc >> 8, 1, 'a directory that cannot be written: nginx -t fails');
like($out, qr/\[emerg\].*\Q$t->{dir}\E\/store".*writ/, 'and says so');
chmod 0700, "$t->{dir}/store";
