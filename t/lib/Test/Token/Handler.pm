package Test::Token::Handler;

# Services whose handlers are in modules of their own: t/handler and
# examples/handler, built beside the module, or in a static nginx.

use Mojo::Base -strict, -signatures;

use Exporter qw/ import /;
use Test::Token;

our @EXPORT = qw/ load begun /;


# What loads them, for main.
sub load () {
    my $module = $ENV{TOKEN_MODULE} or return '';
    return join '', map {
        'load_module ' . $module =~ s/token_(?=module)/token_${_}_/r . ";\n"
    } qw/ stamp test /;
}


# How often the handler has begun with a token; waits until it has n times.
sub begun ($t, $id, $n = 0) {
    my $count = sub { scalar(() = $t->log =~ /test handler begins $id/g) };
    wait_for(sub { $count->() >= $n });
    return $count->();
}


1;
