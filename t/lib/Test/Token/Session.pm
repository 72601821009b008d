package Test::Token::Session;

# One WebSocket session of token.v1: what arrives is kept in a queue, until
# a test asks for it.

use Mojo::Base -strict, -signatures;

use Mojo::IOLoop;
use Mojo::JSON qw/ decode_json encode_json /;
use Mojo::WebSocket qw/ WS_PONG WS_PING /;
use Scalar::Util qw/ weaken /;
use Test::More ();

our $TIMEOUT = 15;
my %open;


# headers, protocols (an array), user (name, with a blank password), cookie,
# hello => 0 (leave the hello in the queue), url
sub open ($class, $test, $path, %args) {
    my $self = bless {
        test => $test, queue => [], pongs => [], raw => [],
        path => $path,
    }, $class;

    my %headers = ($args{headers} // {})->%*;
    $headers{Authorization} = 'Basic ' . basic($args{user}, $args{password})
        if defined $args{user};
    $headers{Cookie} = $args{cookie} if defined $args{cookie};

    my $ua = $args{ua} // $test->new_ua;
    my $url = $args{url} // $test->url($path, 'ws');
    my $tx = $ua->build_websocket_tx($url => \%headers,
        $args{protocols} // ['token.v1']);
    $tx->handshake->req->headers->remove('Sec-WebSocket-Protocol')
        if $args{protocols} && !$args{protocols}->@*;

    my $done;
    # in here: the hello may come together with the 101
    $ua->start($tx => sub ($ua, $tx) {
        $self->listen($tx) if $tx->is_websocket;
        $done = $tx;
    });
    Test::Token::wait_for(sub { $done }, $TIMEOUT)
        or die "no answer to the handshake of $path\n";
    $self->{ua} = $ua;

    unless ($done->is_websocket) {
        die 'handshake: ' . ($done->error // {})->{message} . "\n"
            unless $done->res->code;
        return $done->res;
    }

    $open{$self} = $self;
    weaken $open{$self};

    if ($args{hello} // 1) {
        $self->{hello} = $self->expect('hello');
        die "no hello in $path\n" unless $self->{hello}{type};
    }
    return $self;
}


sub basic ($user, $password) {
    return Mojo::Util::b64_encode("$user:" . ($password // ''), '');
}


sub listen ($self, $tx) {
    $self->{tx} = $tx;
    $tx->max_websocket_size(16 * 1024 * 1024);
    weaken(my $weak = $self);

    $tx->on(text => sub ($tx, $bytes) {
        push $weak->{raw}->@*, $bytes;
        push $weak->{queue}->@*, map { { text => $_, message($_)->%* } }
            split /\n/, $bytes if !$weak->{echo};
    });
    $tx->on(binary => sub ($tx, $bytes) { push $weak->{raw}->@*, $bytes });
    $tx->on(frame => sub ($tx, $frame) {
        push $weak->{pongs}->@*, $frame->[5] if $frame->[4] == WS_PONG;
    });
    $tx->on(finish => sub ($tx, $code, $reason = undef) {
        return unless $weak;
        $weak->{closed} = { code => $code, reason => $reason // '' };
    });
}


sub message ($text) {
    my $json = eval { decode_json($text) };
    return { json => $json } if ref $json eq 'HASH';
    Test::More::diag("not a message: $text");
    return { json => {} };
}


sub hello ($self)  { $self->{hello} }
sub res ($self)    { $self->{tx}->res }
sub header ($self, $name) { $self->{tx}->res->headers->header($name) }


# The worker that has the session, where the location says
# add_header X-Worker $pid always;
sub worker ($self) { $self->header('X-Worker') }


sub send ($self, @messages) {
    return $self->send_text(join "\n", map { encode_json($_) } @messages);
}


sub send_text ($self, $bytes) {
    $self->{tx}->send({ text => $bytes });
    return $self;
}


sub send_binary ($self, $bytes) {
    $self->{tx}->send({ binary => $bytes });
    return $self;
}


# Waits for the first message for which the matcher holds, and takes it off
# the queue.  A matcher is a type, a hash of members, or a sub.  What it
# returns is the message as a hash; nothing when it has not come.
sub expect ($self, $want, $timeout = $TIMEOUT) {
    my $found = Test::Token::wait_for(sub {
        $self->take($want) // ($self->{closed} ? 'closed' : undef);
    }, $timeout);
    return $found if ref $found;

    Test::More::diag('not received: ', Test::More::explain($want));
    Test::More::diag("closed: $self->{closed}{code} $self->{closed}{reason}")
        if $self->{closed};
    Test::More::diag("received: $_->{text}") for $self->{queue}->@*;
    return {};
}


sub take ($self, $want) {
    my $queue = $self->{queue};
    for my $i (0 .. $#$queue) {
        next unless matches($queue->[$i]{json}, $want);
        my $found = splice @$queue, $i, 1;
        $self->{text} = $found->{text};
        return $found->{json};
    }
    return;
}


# All that match and have come.
sub drain ($self, $want) {
    my @found;
    while (my $m = $self->take($want)) { push @found, $m }
    return @found;
}


# The text of the message that was taken last.
sub text ($self) { $self->{text} }


sub matches ($json, $want) {
    return $want->($json) if ref $want eq 'CODE';
    $want = { type => $want } unless ref $want;
    for (keys %$want) {
        return 0 unless defined $json->{$_} && $json->{$_} eq $want->{$_};
    }
    return 1;
}


# How many messages in the queue match; settle() before it, to be sure that no
# more are on their way.
sub count ($self, $want) {
    return scalar grep { matches($_->{json}, $want) } $self->{queue}->@*;
}


# Everything that was sent before has been read by the server.
sub settle ($self) {
    $self->send({ type => 'ping' });
    $self->expect('pong');
    return $self;
}


# The answer to a watch.
sub watch ($self, $channel, %args) {
    $self->send({ type => 'watch', channel => $channel, %args });
    return $self->expect(sub ($m) {
        ($m->{type} // '') =~ /^(?:watching|error)$/
            && ($m->{channel} // '') eq $channel;
    });
}


# Sends a token; its id.
sub token ($self, $service, $value = undef, $id = Test::Token::id()) {
    $self->send({ type => 'token', id => $id, service => $service,
        value => $value });
    return $id;
}


sub outcome ($self, $id, $timeout = $TIMEOUT) {
    return $self->expect({ type => 'outcome', id => $id }, $timeout);
}


# Sends a token, and waits for its outcome.
sub spend ($self, @args) {
    return $self->outcome($self->token(@args));
}


# For a location that echoes: the next message as it was.
sub echo ($self, $timeout = $TIMEOUT) {
    $self->{echo} = 1;
    Test::Token::wait_for(sub { $self->{raw}->@* || $self->{closed} },
        $timeout);
    return shift $self->{raw}->@*;
}


sub ping ($self, $payload) {
    $self->{tx}->send([1, 0, 0, 0, WS_PING, $payload]);
    Test::Token::wait_for(sub { $self->{pongs}->@* }, $TIMEOUT);
    return shift $self->{pongs}->@*;
}


# Waits until it is closed: the code; and the reason in list context.
sub closed ($self, $timeout = $TIMEOUT) {
    Test::Token::wait_for(sub { $self->{closed} }, $timeout);
    my $closed = $self->{closed} // { code => 'still open', reason => '' };
    return wantarray ? $closed->@{qw/ code reason /} : $closed->{code};
}


sub is_open ($self) { !$self->{closed} }


sub close ($self, $code = 1000) {
    $self->{tx}->finish($code);
    return $self->closed;
}


# Cuts the connection, without a close frame.
sub cut ($self) {
    Mojo::IOLoop->remove($self->{tx}->connection);
    $self->{closed} = { code => 1006, reason => '' };
}


sub forget ($class, $test) {
    for my $self (grep { $_ && $_->{test} == $test } values %open) {
        $self->cut unless $self->{closed};
    }
    %open = ();
}


1;
