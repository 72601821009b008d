package Test::Token::Backend;

# An HTTP backend in the test's own event loop: it notes every call, and
# answers when the test says so.

use Mojo::Base -strict, -signatures;

use Carp qw/ croak /;
use Mojo::IOLoop;
use Scalar::Util qw/ weaken /;


# answer: a sub that is given each call and returns a status and a body, or
# nothing: then the call waits for reply().  A call is a hash: number, method,
# path, headers, body, closed.
sub new ($class, $answer) {
    my $self = bless { answer => $answer, calls => [] }, $class;
    $self->{port} = Test::Token::free_port();

    weaken(my $weak = $self);
    Mojo::IOLoop->server(
        { address => '127.0.0.1', port => $self->{port} },
        sub ($loop, $stream, $id) { $weak->accept($stream) });
    return $self;
}


sub accept ($self, $stream) {
    my $call = { stream => $stream };
    my $in = '';

    $stream->timeout(0);
    $stream->on(error => sub { });
    $stream->on(close => sub { $call->{closed} = 1 });
    $stream->on(read => sub ($stream, $bytes) {
        $in .= $bytes;
        return if $call->{number} || !complete($in, $call);
        push $self->{calls}->@*, $call;
        $call->{number} = $self->{calls}->@*;

        my ($status, $body) = $self->{answer}->($call) or return;
        reply($call, $status, $body);
    });
}


# Takes a request apart; false while it is not whole.
sub complete ($in, $call) {
    my ($head, $body) = split /\r\n\r\n/, $in, 2;
    return unless defined $body;

    my ($line, @lines) = split /\r\n/, $head;
    my %headers = map { my ($k, $v) = split /:\s*/, $_, 2; (lc $k, $v) } @lines;
    return if length $body < ($headers{'content-length'} // 0);

    my ($method, $path) = split / /, $line;
    %$call = (%$call, method => $method, path => $path, body => $body,
        headers => \%headers);
    return 1;
}


sub reply ($call, $status, $body = '') {
    $call->{stream}->write("HTTP/1.0 $status X\r\nContent-Length: "
        . length($body) . "\r\nContent-Type: application/json\r\n\r\n$body",
        sub ($stream) { $stream->close_gracefully });
}


sub port ($self)  { $self->{port} }
sub calls ($self) { $self->{calls}->@* }


# The n-th call, when it has come.
sub call ($self, $n) {
    Test::Token::wait_for(sub { $self->calls >= $n })
        or croak "call $n has not come";
    return $self->{calls}[$n - 1];
}


1;
