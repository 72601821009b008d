package Test::Token::Daemon;

# A nginx that is a daemon, as a binary upgrade wants it: it is not this
# process's child, and is known by its pid file.

use Mojo::Base 'Test::Token', -signatures;

use Carp qw/ croak /;
use Test::Token::Workers;


sub import { }


sub config ($self, @args) {
    return $self->SUPER::config(@args) =~ s/^daemon off;/daemon on;/mr;
}


sub start ($self) {
    # execve() of the next binary does not search the path
    ($self->{nginx}) = grep { -x } map { "$_/$self->{nginx}" }
        split /:/, "$ENV{PATH}:/usr/sbin" if $self->{nginx} !~ m!/!;

    $self->write_file('nginx.conf', $self->config);
    my $pid = $self->spawn("$self->{dir}/logs/stderr", $self->command);
    waitpid $pid, 0;
    Test::Token::wait_for(sub { $self->pid_of('nginx.pid') })
        or croak 'nginx has not started: ' . $self->tail;
    $self->{pid} = $self->pid_of('nginx.pid');
    return $self;
}


sub pid_of ($self, $file) { $self->read_file($file) =~ /^(\d+)/ ? $1 : 0 }


sub gone ($self, $signal, $timeout) {
    my $pid = $self->{pid};
    kill $signal => $pid;
    Test::Token::wait_for(sub { is_gone($pid) }, $timeout) or return 0;
    delete $self->{pid};
    return 1;
}


# USR2: the pids of the old and of the new master.
sub upgrade ($self) {
    my $old = $self->{pid};
    my %workers = map { $_ => 1 } $self->workers;
    kill USR2 => $old;
    Test::Token::wait_for(sub {
        $self->pid_of('nginx.pid.oldbin') == $old
            && $self->pid_of('nginx.pid') != $old
            && grep({ !$workers{$_} } $self->workers) >= $self->{workers};
    }) or croak 'no upgrade: ' . $self->tail;
    $self->{pid} = $self->pid_of('nginx.pid');
    return ($old, $self->{pid});
}


1;
