package Test::Token::Client;

# A client that does not give up: it keeps its tokens until they are answered,
# watches a log from its cursor, and comes back when it is cut off.

use Mojo::Base -strict, -signatures;


# channel: a log
sub new ($class, $t, $channel, @args) {
    return bless { t => $t, channel => $channel, args => \@args,
        pending => {}, outcomes => {}, twice => 0, resets => 0, connects => 0,
        read => [] }, $class;
}


sub spend ($self, $service, $value) {
    my $id = Test::Token::id();
    $self->{pending}{$id} = [ $service, $value ];
    $self->{session}->token($service, $value, $id) if $self->is_up;
    return $id;
}


sub is_up ($self)  { $self->{session} && $self->{session}->is_open }
sub is_idle ($self) { !$self->{pending}->%* }
sub worker ($self) { $self->{session} ? $self->{session}->worker : 0 }


# Does what there is to do; to be called again and again.
sub tick ($self) {
    $self->connect or return unless $self->is_up;
    my $s = $self->{session};

    while (my $m = $s->take('outcome')) { $self->outcome($m) }

    while (my $m = $s->take('record')) {
        push $self->{read}->@*, $m;
        $self->{seq} = $m->{seq};
    }
}


sub connect ($self) {
    # what had come before it was cut off has been read by the last tick()
    my $s = eval { $self->{t}->connect($self->{args}->@*) };
    return unless ref $s && $s->isa('Test::Token::Session') && $s->is_open;
    # what is sent from here on, while the watch is waited for, goes to this
    # session: to ask after it would bring its outcome a second time
    my @ids = sort keys $self->{pending}->%*;
    $self->{session} = $s;
    $self->{connects}++;

    if (defined $self->{seq}) {
        my $w = $s->watch($self->{channel}, epoch => $self->{epoch},
            seq => $self->{seq});
        $self->{resets}++ unless $w->{recovered} || !$s->is_open;
    } else {
        $self->{epoch} = $s->hello->{epoch};
        $self->{seq} = $s->hello->{seq};
        $s->watch($self->{channel}, epoch => $self->{epoch},
            seq => $self->{seq});
    }

    while (my @some = splice @ids, 0, 200) {
        $s->send({ type => 'resume', ids => \@some });
    }
    return 1;
}


sub outcome ($self, $m) {
    my $token = $self->{pending}{ $m->{id} };
    my $outcome = $m->{outcome};
    $self->{seen}{$outcome}++;

    if (!$token) {
        $self->{twice}++;
    } elsif ($outcome =~ /^(?:unknown|busy|failed)$/) {
        $self->{session}->token(@$token, $m->{id});
    } elsif ($outcome ne 'running') {
        delete $self->{pending}{ $m->{id} };
        $self->{outcomes}{ $m->{id} } = $m;
    }
}


1;
