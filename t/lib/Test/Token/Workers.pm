package Test::Token::Workers;

# Sessions on chosen workers (the location says add_header X-Worker $pid
# always), and what the system knows about processes.

use Mojo::Base -strict, -signatures;

use Carp qw/ croak /;
use Exporter qw/ import /;

our @EXPORT = qw/ on_worker off_worker pair is_gone rss readers
    is_sanitized /;


# A session on a worker for which the condition holds.
sub where ($t, $holds, @args) {
    for (1 .. 200) {
        my $s = $t->connect(@args);
        return $s if $holds->($s->worker);
        $s->cut;
    }
    croak 'no session on that worker';
}


sub on_worker ($t, $pid, @args) {
    return where($t, sub ($worker) { $worker == $pid }, @args);
}


sub off_worker ($t, $pid, @args) {
    return where($t, sub ($worker) { $worker != $pid }, @args);
}


# Two sessions on two workers.
sub pair ($t, @args) {
    my $s = $t->connect(@args);
    return ($s, off_worker($t, $s->worker, @args));
}


# Whether a process has ended; a zombie has.
sub is_gone ($pid) {
    open my $fh, '<', "/proc/$pid/stat" or return 1;
    return (<$fh> // ') Z') =~ /\) [ZX]/ ? 1 : 0;
}


# Whether nginx was built with the address sanitizer.
sub is_sanitized ($t) {
    my ($path) = grep { -x } $t->{nginx},
        map { "$_/$t->{nginx}" } split /:/, "$ENV{PATH}:/usr/sbin";
    return system('grep', '-q', '__asan_init', $path // '') == 0;
}


# Bytes that a process has in memory of its own: not the store's pages.
sub rss ($pid) {
    open my $fh, '<', "/proc/$pid/status" or return 0;
    my ($kb) = map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$fh>;
    return 1024 * ($kb // 0);
}


# Reader slots of an LMDB environment in use; undef without lmdb-utils.
sub readers (@path) {
    open my $fh, '-|', 'sh', '-c', 'exec mdb_stat -r "$@" 2>/dev/null', 'sh',
        @path or return;
    my @lines = <$fh>;
    close $fh;
    return unless grep { /reader/i } @lines;
    return scalar grep { /^\s*\d+\s+[0-9a-f]+\s/ } @lines;
}


1;
