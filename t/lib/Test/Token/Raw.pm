package Test::Token::Raw;

# A TCP connection that writes what it is told, byte by byte if it must, and
# takes what comes apart into HTTP heads and WebSocket frames.

use Mojo::Base -strict, -signatures;

use Carp qw/ croak /;
use IO::Select;
use IO::Socket::INET;
use Socket qw/ IPPROTO_TCP TCP_NODELAY /;
use Time::HiRes qw/ time /;

our $TIMEOUT = 15;

use constant {
    CONTINUATION => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10,
};


# To a port of this machine, or over a socket that is there already.
sub new ($class, %args) {
    return bless { socket => $args{socket}, in => '' }, $class
        if $args{socket};

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $args{port}, Proto => 'tcp') or croak "connect: $!";
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return bless { socket => $socket, in => '' }, $class;
}


# The head of a handshake; a header of undef is left out, one whose value is
# an array comes several times.
sub request ($self, $path, %headers) {
    my $line = delete $headers{line} // "GET $path HTTP/1.1";
    my %all = (
        'Host' => 'localhost', 'Upgrade' => 'websocket',
        'Connection' => 'Upgrade', 'Sec-WebSocket-Version' => 13,
        'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==', %headers,
    );
    return join "\r\n", $line,
        (map { lines($_, $all{$_}) } grep { defined $all{$_} } sort keys %all),
        '', '';
}


sub lines ($name, $value) {
    return map { "$name: $_" } ref $value ? @$value : $value;
}


# Sends a handshake; the status of the answer.
sub handshake ($self, $path, %headers) {
    $self->write($self->request($path, %headers));
    return $self->head;
}


# Reads the head of an HTTP answer; its status, 0 when there is none.
sub head ($self) {
    $self->{head} = '';
    $self->fill or return 0 until $self->{in} =~ s/^(.*?\r\n)\r\n//s
        && ($self->{head} = $1);
    return $self->{head} =~ m!^HTTP/1\.[01] (\d+)! ? $1 : 0;
}


sub header ($self, $name) {
    return $self->{head} =~ /^\Q$name\E:\s*(.*?)\r$/mi ? $1 : undef;
}


# The rest of an answer, until the server closes.
sub body ($self) {
    1 while $self->fill;
    return $self->{in};
}


# Bytes at a time: step.
sub write ($self, $bytes, $step = length $bytes) {
    local $SIG{PIPE} = 'IGNORE';
    my $pos = 0;

    while ($pos < length $bytes) {
        my $n = syswrite $self->{socket}, $bytes, $step, $pos;
        return 0 unless defined $n;
        $pos += $n;
    }
    return 1;
}


# More input; false at its end or after the timeout.
sub fill ($self, $timeout = $TIMEOUT) {
    return 0 unless IO::Select->new($self->{socket})->can_read($timeout);
    return sysread $self->{socket}, $self->{in}, 1 << 16, length $self->{in};
}


# A client's frame.  Options: fin, rsv, mask (four bytes; '' for none), len
# (another length than the payload's), form (7, 16 or 64 bit length).
sub frame ($opcode, $payload = '', %opt) {
    my $len = $opt{len} // length $payload;
    my $form = $opt{form} // ($len < 126 ? 7 : $len < 65536 ? 16 : 64);
    my $mask = $opt{mask} // pack 'N', 0x1f2e3d4c;

    my $bit = length $mask ? 0x80 : 0;
    my $head = pack 'C', ($opt{fin} // 1) << 7 | ($opt{rsv} // 0) << 4
        | $opcode;
    $head .= $form == 7 ? pack 'C', $bit | $len
        : $form == 16 ? pack 'Cn', $bit | 126, $len
        : pack 'CQ>', $bit | 127, $len;
    return $head . $payload unless $bit;

    my $key = substr $mask x (1 + length($payload) / 4), 0, length $payload;
    return $head . $mask . ("$payload" ^ "$key");
}


sub send_frame ($self, @args) { $self->write(frame(@args)) }


# The next frame of the server, as {opcode, fin, payload, masked}; nothing
# when the connection ends before.
sub read_frame ($self) {
    my $frame;
    until ($frame = $self->parse_frame) {
        $self->fill or return;
    }
    return $frame;
}


sub parse_frame ($self) {
    my $in = \$self->{in};
    return if length $$in < 2;

    my ($first, $len) = unpack 'CC', $$in;
    my $masked = $len & 0x80;
    my $pos = 2;
    $len &= 0x7f;

    if ($len == 126) {
        return if length $$in < 4;
        $len = unpack 'x2n', $$in;
        $pos = 4;
    } elsif ($len == 127) {
        return if length $$in < 10;
        $len = unpack 'x2Q>', $$in;
        $pos = 10;
    }

    return if length $$in < $pos + $len;
    my $payload = substr $$in, $pos, $len;
    substr $$in, 0, $pos + $len, '';
    return { opcode => $first & 15, fin => $first >> 7, rsv => $first >> 4 & 7,
        masked => $masked ? 1 : 0, payload => $payload };
}


# The payload of the next whole message (text or binary), or "close CODE".
sub message ($self) {
    my $text = '';

    while (my $f = $self->read_frame) {
        next if $f->{opcode} == PONG || $f->{opcode} == PING;
        return 'close ' . code($f) if $f->{opcode} == CLOSE;
        $text .= $f->{payload};
        return $text if $f->{fin};
    }
    return 'end';
}


# What comes until the server ends the connection, as text: data(PAYLOAD),
# pong(PAYLOAD), ping(PAYLOAD), close(CODE); "open" when it does not end.
sub rest ($self) {
    my @seen;

    while (my $f = $self->read_frame) {
        my $name = { PONG, 'pong', PING, 'ping', CLOSE, 'close' }
            ->{ $f->{opcode} } // 'data';
        push @seen, "$name("
            . ($name eq 'close' ? code($f) : $f->{payload}) . ')';
        last if $name eq 'close';
    }

    push @seen, 'open' unless $self->ended;
    push @seen, 'and more' if length $self->{in};
    return "@seen";
}


# Skips everything up to the close frame: its code; 1006 without one.
sub closed ($self) {
    while (my $f = $self->read_frame) {
        return code($f) if $f->{opcode} == CLOSE;
    }
    return 1006;
}


sub code ($frame) {
    return length $frame->{payload} < 2 ? 1005 : unpack 'n', $frame->{payload};
}


# Whether the server ends the connection; what comes before is kept.
sub ended ($self) {
    my $until = time + $TIMEOUT;

    while ((my $left = $until - time) > 0) {
        IO::Select->new($self->{socket})->can_read($left) or return 0;
        $self->fill or return 1;
    }
    return 0;
}


sub end ($self) { close $self->{socket} }


1;
