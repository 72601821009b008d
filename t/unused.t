# The module loaded, but not used, changes nothing: nginx beside one that has
# never heard of it.

use Test::Token;
use Test::Token::Workers;
use File::Find;

my $conf = <<'EOC';
server {
    listen 127.0.0.1:%%PORT%%;
    absolute_redirect off;
    location /secret {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users;
        add_header X-User "$remote_user/$request_method" always;
    }
    location /moved { return 302 /; }
    location /asked { auth_request /secret; }
    location /again { try_files /none /index.html; }
}
EOC

sub server ($module, $conf, @more) {
    my $t = Test::Token->new(start => 0, conf => $conf, store => 0, @more);
    $t->{module} = undef unless $module;
    $t->write_file('html/index.html', 'hello' x 1000);
    $t->write_file('html/secret', 'secret');
    $t->write_file('html/asked', 'asked');
    $t->write_file(users => "alice:{PLAIN}\n");
    utime 1e9, 1e9, glob $t->dir . '/html/*';
    return $t->start;
}

my $t = server(1, $conf);
$t->plan(17);

# a module that is built in cannot be left out: then it is compared with itself
my $without = server(0, $conf);

# what is used wakes up each second: the measure of the time that passes
my $used = server(1, <<'EOC', store => 1);
token_atom a 0;
server {
    listen 127.0.0.1:%%PORT%%;
    location = /live { token_websocket; token_watch a; }
}
EOC


my @alice = (Authorization => 'Basic YWxpY2U6');
my @requests = (
    [ '/' ], [ '/index.html', Range => 'bytes=3-7' ], [ '/none' ],
    [ '/index.html', 'If-Modified-Since' => 'Sun, 09 Sep 2001 01:46:40 GMT' ],
    [ '/secret' ], [ '/secret', @alice ],
    [ '/secret', Authorization => 'Basic YTpi' ], [ '/asked', @alice ],
    [ '/asked' ], [ '/moved' ], [ '/again' ],
    [ '/', line => 'HEAD / HTTP/1.1' ], [ '/', line => 'HEAD / HTTP/1.0' ],
    [ '/', line => 'POST / HTTP/1.1', 'Content-Length' => 0 ],
    [ '/', line => 'NONSENSE' ],
    [ '/', Upgrade => 'websocket', Connection => 'Upgrade, close' ],
);

sub answers ($t) {
    return map {
        my ($path, @headers) = @$_;
        my $raw = $t->raw;
        $raw->write($raw->request($path, Upgrade => undef,
            Connection => 'close', @headers));
        $raw->body =~ s/^(Date: ).*\r$/$1/mr;
    } @requests;
}

sub worker ($t) { return wait_for(sub { ($t->workers)[0] }) }

sub status ($pid, $field) {
    open my $fh, '<', "/proc/$pid/status" or die "/proc/$pid/status: $!";
    my ($value) = map { /^$field:\s+(\d+)/ ? $1 : () } <$fh>;
    return $value;
}

sub io ($pid) {
    open my $fh, '<', "/proc/$pid/io" or return 'unknown';
    my %io = map { /^(\w+): (\d+)/ ? ($1 => $2) : () } <$fh>;
    return "$io{syscr} reads, $io{syscw} writes";
}

sub files ($t) {
    my @found;
    find(sub { push @found, $File::Find::name =~ s/^\Q@{[ $t->dir ]}\E//r },
        $t->dir);
    return [ sort grep { !m!^/(?:store|logs/sanitizer)! } @found ];
}

sub descriptors ($pid) {
    my @fds = glob "/proc/$pid/fd/*";
    return scalar @fds;
}


# the same answers, by the same work

my @ours = answers($t);
is_deeply(\@ours, [ answers($without) ], 'the same answers, byte for byte');
like($ours[0], qr/^HTTP.1.1 200 OK\r\n.*hello/s, 'which are answers');
like($ours[5], qr!^X-User: alice/GET\r$!m, 'with a user of auth_basic');
is(io(worker($t)), io(worker($without)), 'as many reads and writes');


# nothing of its own

for my $pid (worker($t), $t->pid) {
    is(status($pid, 'Threads'), 1, 'no thread');
}
cmp_ok(status(worker($used), 'Threads'), '>', 1, 'which it has, where it is used');
is(descriptors(worker($t)), descriptors(worker($without)),
    'no file, socket or pipe in the worker');
is(descriptors($t->pid), descriptors($without->pid), 'nor in the master');
is_deeply(files($t), files($without), 'no file in the prefix');
ok(!glob($t->dir . '/store/*'), 'and no store');


# no timer

sub wakeups ($pid) {
    return status($pid, 'voluntary_ctxt_switches');
}
my ($worker, $other) = (worker($t), worker($used));
my ($idle, $busy) = (wakeups($worker), wakeups($other));
my $master = wakeups($t->pid);
ok(wait_for(sub { wakeups($other) - $busy >= 3 }, 20),
    'while a used one wakes up three times');
is(wakeups($worker), $idle, 'an unused one sleeps');
is(wakeups($t->pid), $master, 'and so does its master');


# reload and quit

ok($t->reload, 'reload');
is_deeply([ answers($t) ], \@ours, 'the same answers afterwards');
is_deeply(files($t), files($without), 'and the same files');
