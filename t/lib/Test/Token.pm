package Test::Token;

# Starts an nginx of its own for one test file, and is the client of it.
#
#     use Test::Token;
#
#     my $t = Test::Token->new(workers => 2, conf => <<'EOC');
#     token_atom  switch  false;
#     server {
#         listen 127.0.0.1:%%PORT%%;
#         location = /live { token_websocket; token_watch switch; }
#     }
#     EOC
#     $t->plan(3);
#
# conf is what stands inside of http { }; main what stands before it.  In both
# %%PORT%%, %%PORT1%%, ... are free ports, %%DIR%% is a directory of the test.
# A token_store is added where conf has none (store => 0: never).  One test is
# added to the plan: that error.log has no alert (allow => a regex of those that
# may be there), and that no sanitizer has spoken.
#
# Environment: TOKEN_NGINX (the binary), TOKEN_MODULE (the dynamic module, if
# it is one), TOKEN_DEBUG=1 (debug log), KEEP=1 (keep the directory).

use Mojo::Base -strict, -signatures;

use Carp qw/ croak /;
use File::Path qw/ make_path remove_tree /;
use File::Temp ();
use IO::Socket::INET;
use Mojo::IOLoop;
use Mojo::JSON;
use Mojo::UserAgent;
use POSIX qw/ WNOHANG /;
use Test::More import => [qw/ ok diag /];
use Time::HiRes qw/ time sleep clock_gettime CLOCK_REALTIME /;

use Test::Token::Raw;
use Test::Token::Session;

my @instances;


sub import ($class) {
    my $caller = caller;

    Mojo::Base->import(qw/ -strict -signatures /);

    no strict 'refs';
    *{"${caller}::$_"} = \&{"Test::More::$_"}
        for qw/ ok is isnt like unlike is_deeply cmp_ok pass fail diag note
        subtest /;
    *{"${caller}::$_"} = \&{$_} for qw/ id wait_for true false /;
}


sub true  { Mojo::JSON->true }
sub false { Mojo::JSON->false }


# A token id: a UUIDv7 of now, or of $age seconds ago.
sub id ($age = 0) {
    my $ms = int((clock_gettime(CLOCK_REALTIME) - $age) * 1000);
    my $hex = sprintf '%012x7%03x%04x%012x', $ms, rand 0x1000,
        0x8000 + rand 0x4000, rand 2**48;
    return $hex =~ s/^(.{8})(.{4})(.{4})(.{4})/$1-$2-$3-$4-/r;
}


# Runs the event loop until the condition holds; its value, or undef after
# the timeout.
sub wait_for ($condition, $timeout = 10) {
    my $value = $condition->();
    return $value if $value;

    my $late = 0;
    my $timer = Mojo::IOLoop->timer($timeout => sub { $late = 1 });
    my $tick = Mojo::IOLoop->recurring(0.01 => sub { });

    until ($late || ($value = $condition->())) {
        Mojo::IOLoop->one_tick;
    }

    Mojo::IOLoop->remove($_) for $timer, $tick;
    return $value || undef;
}


sub new ($class, %args) {
    my $self = bless {
        workers => 1, conf => '', main => '', allow => undef, start => 1,
        store => 1,
        %args,
        nginx => $ENV{TOKEN_NGINX} // 'nginx',
        module => $ENV{TOKEN_MODULE},
        ports => {},
        dir => File::Temp::tempdir('token-XXXXXXXX', TMPDIR => 1),
    }, $class;

    # the prefix is private to this user, and nginx's workers are his, too
    make_path(map { "$self->{dir}/$_" } qw/ html store logs /);
    push @instances, $self;

    $self->start if $self->{start};
    return $self;
}


sub plan ($self, $tests) {
    Test::More::plan(tests => $tests + 1);
    $self->{planned} = 1;
    return $self;
}


sub dir ($self)           { $self->{dir} }
sub port ($self, $n = '') { $self->{ports}{$n} //= free_port() }
sub pid ($self)           { $self->{pid} }
sub log_file ($self)      { "$self->{dir}/logs/error.log" }


# Outside of the range that outgoing connections use.
sub free_port () {
    for (1 .. 200) {
        my $port = 12000 + int rand 20000;
        my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
            LocalPort => $port, Proto => 'tcp', Listen => 1) or next;
        close $s;
        return $port;
    }
    croak 'no free port';
}


sub write_file ($self, $name, $text) {
    my $path = "$self->{dir}/$name";
    open my $fh, '>', $path or croak "$path: $!";
    print $fh $text;
    close $fh or croak "$path: $!";
    return $path;
}


sub read_file ($self, $name) {
    my $path = $name =~ m!^/! ? $name : "$self->{dir}/$name";
    open my $fh, '<', $path or return '';
    local $/;
    return <$fh> // '';
}


sub config ($self, $conf = $self->{conf}, $main = $self->{main}) {
    my $dir = $self->{dir};
    my $level = $ENV{TOKEN_DEBUG} ? 'debug' : 'info';
    my $head = "daemon off;\npid $dir/nginx.pid;\n"
        . "error_log $dir/logs/error.log $level;\n"
        . "worker_processes $self->{workers};\n"
        . "env ASAN_OPTIONS;\nenv UBSAN_OPTIONS;\n";

    $head = "load_module $self->{module};\n$head" if $self->{module};
    $head .= "user " . getpwuid($>) . ' ' . getgrgid($)) . ";\n" if $> == 0;

    my $temp = join '', map { "    ${_}_temp_path $dir/temp-$_;\n" }
        qw/ client_body proxy fastcgi uwsgi scgi /;
    $temp .= "    token_store $dir/store size=64m sync=off;\n"
        if $self->{store} && "$conf$main" !~ /^\s*token_store\s/m;

    my $connections = $self->{connections} // 512;
    my $text = <<"EOC";
$head$main
events {
    worker_connections $connections;
}
http {
    access_log $dir/logs/access.log;
    root $dir/html;
    default_type text/plain;
$temp
$conf
}
EOC

    $text =~ s/%%PORT(\d*)%%/$self->port($1)/ge;
    $text =~ s/%%DIR%%/$dir/g;
    return $text;
}


sub command ($self, @args) {
    return ($self->{nginx}, '-p', $self->{dir}, '-c',
        "$self->{dir}/nginx.conf", '-e', $self->log_file, @args);
}


sub spawn ($self, $out, @command) {
    my $pid = fork // croak "fork: $!";
    return $pid if $pid;

    my $report = "log_path=$self->{dir}/logs/sanitizer";
    $ENV{ASAN_OPTIONS} = "detect_leaks=0:detect_odr_violation=0"
        . ":quarantine_size_mb=16:$report";
    $ENV{UBSAN_OPTIONS} = "print_stacktrace=1:$report";

    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $out;
    open STDERR, '>&', \*STDOUT;
    exec @command or POSIX::_exit(127);
}


# nginx -t of a configuration: whether it passes, what it said, and the
# number of the line that has "# here".
sub conf_test ($self, $conf, $main = '') {
    my $text = $self->config($conf, $main) =~ s/error\.log/test.log/r;
    my ($file, $out) = map { "$self->{dir}/test.$_" } qw/ conf out /;
    $self->write_file('test.conf', $text);
    unlink $out;

    my $pid = $self->spawn($out, $self->{nginx}, '-p', $self->{dir},
        '-c', $file, '-e', "$self->{dir}/test.log", '-t');
    waitpid $pid, 0;
    my $ok = $? == 0;

    my ($line) = grep { (split /\n/, $text)[$_ - 1] =~ /# here/ }
        1 .. $text =~ tr/\n//;
    return ($ok, $self->read_file('test.out'), $line);
}


sub start ($self) {
    for my $try (1 .. 3) {
        $self->write_file('nginx.conf', $self->config);
        $self->{pid} = $self->spawn("$self->{dir}/logs/stderr",
            $self->command);

        return $self if $self->wait_listening;
        last if $self->log =~ /\[emerg\]/ && $self->log !~ /already in use/;

        # someone else has got the port in between
        $self->{ports} = {};
        unlink $self->log_file;
    }

    diag($self->read_file('logs/stderr') . $self->tail);
    croak 'nginx has not started';
}


sub wait_listening ($self) {
    my @ports = map { $self->port($_) }
        $self->config =~ /listen [^;#]*%%PORT(\d*)%%/g;
    @ports = values $self->{ports}->%* unless @ports;

    my $up = wait_for(sub {
        if (waitpid($self->{pid}, WNOHANG) == $self->{pid}) {
            delete $self->{pid};
            return 'gone';
        }
        return 'up' unless grep { !connects($_) } @ports;
        return;
    }, 30);

    $self->kill_now if ($up // '') ne 'up';
    return ($up // '') eq 'up';
}


sub connects ($port) {
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
}


sub kill_now ($self) {
    my $pid = delete $self->{pid} or return;
    kill KILL => $pid;
    waitpid $pid, 0;
}


# Ends nginx; whether it went by itself after that signal.
sub stop ($self, $signal = 'QUIT', $timeout = 10) {
    my $pid = $self->{pid} or return 1;
    return 1 if $self->gone($signal, $timeout);

    diag("nginx has not stopped on $signal");
    $self->gone('TERM', 5) or $self->gone('KILL', 5);
    return 0;
}


sub gone ($self, $signal, $timeout) {
    my $pid = $self->{pid};
    kill $signal => $pid;
    wait_for(sub { waitpid($pid, WNOHANG) != 0 }, $timeout) or return 0;
    delete $self->{pid};
    return 1;
}


# Waits until the new workers are there, and the old ones accept no more.
sub reload ($self) {
    my %old = map { $_ => 1 } $self->workers;
    kill HUP => $self->{pid};
    return wait_for(sub {
        my $log = $self->log;
        return grep({ !$old{$_} } $self->workers) >= $self->{workers}
            && !grep { $log !~ /\b$_#\d+: (?:gracefully shutting|exit)/ }
            keys %old;
    });
}


# The worker processes that are there, as the error log tells.
sub workers ($self) {
    my $log = $self->log;
    my %pids = map { $_ => 1 } $log =~ /start worker process (\d+)/g;
    delete @pids{ $log =~ /worker process (\d+) exited/g };
    my @pids = sort { $a <=> $b } keys %pids;
    return @pids;
}


sub log ($self) { $self->read_file($self->log_file) }


sub wait_log ($self, $regex, $timeout = 10) {
    return wait_for(sub { $self->log =~ $regex }, $timeout);
}


sub tail ($self, $lines = 30) {
    my @log = split /^/, $self->log;
    splice @log, 0, -$lines if @log > $lines;
    return join '', "error.log:\n", @log;
}


sub ua ($self) {
    return $self->{ua} //= $self->new_ua;
}


sub new_ua ($self) {
    my $ua = Mojo::UserAgent->new(max_redirects => 0, inactivity_timeout => 0,
        connect_timeout => 10, request_timeout => 0);
    $ua->proxy->not(['127.0.0.1', 'localhost']);
    return $ua;
}


sub url ($self, $path, $scheme = 'http', $n = '') {
    return "$scheme://127.0.0.1:" . $self->port($n) . $path;
}


# An HTTP response.
sub get ($self, $path, @headers) {
    return $self->ua->get($self->url($path), @headers)->result;
}


# A session, or (when the handshake is refused) the HTTP response.
sub connect ($self, $path = '/live', %args) {
    return Test::Token::Session->open($self, $path, %args);
}


# A TCP connection, before its handshake.
sub raw ($self, %args) {
    return Test::Token::Raw->new(port => $self->port($args{n} // ''), %args);
}


# A raw connection after its handshake.
sub upgraded ($self, $path, %headers) {
    my $raw = $self->raw;
    my $status = $raw->handshake($path, %headers);
    $status == 101 or croak "$path: handshake answered $status";
    return $raw;
}


# What a server sends until it ends the connection, after these bytes.
sub answer ($self, $path, $bytes, %headers) {
    my $raw = $self->upgraded($path, %headers);
    $raw->write($bytes);
    return $raw->rest;
}


# What error.log must not have.
sub faults ($self) {
    my $bad = qr/\[(?:alert|emerg|crit)\]|exited on signal|Assertion/;
    my @lines = grep { $_ =~ $bad } split /^/, $self->log;
    @lines = grep { $_ !~ $self->{allow} } @lines if $self->{allow};

    my @reports = glob "$self->{dir}/logs/sanitizer*";
    push @lines, map { $self->read_file($_) } @reports;
    push @lines, grep { /Sanitizer|runtime error/ }
        split /^/, $self->read_file('logs/stderr');
    return @lines;
}


sub finish ($self) {
    # what a test has left open would hold a graceful exit for a while
    Test::Token::Session->forget($self);
    my $stopped = $self->stop;

    if ($self->{planned}) {
        my @faults = $self->faults;
        push @faults, "nginx did not stop by itself\n" unless $stopped;
        ok(!@faults, 'nginx stops, without an alert or a sanitizer report')
            or diag(@faults);
    }

    if ($ENV{KEEP} && !Test::More->builder->is_passing) {
        diag("kept: $self->{dir}");
    } else {
        remove_tree($self->{dir});
    }
}


END {
    my $status = $?;
    if (@instances) {
        local $@;
        diag($_->tail) for $status || !Test::More->builder->is_passing
            ? @instances : ();
        $_->finish for @instances;
    }
    $? = $status;
}


1;
