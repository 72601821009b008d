# Backends that answer by halves, and locations that delay a call.

use Test::Token;
use Mojo::IOLoop;

# A backend that says less than it has promised.
my $port = Test::Token::free_port();
Mojo::IOLoop->server({ address => '127.0.0.1', port => $port },
    sub ($loop, $stream, $id) {
        $stream->on(read => sub ($stream, $request) {
            $stream->write($request =~ /chunk/
                ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    . "2\r\n12\r\n"
                : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12",
                sub ($stream) { $stream->close_gracefully });
        });
    });

my $conf = <<'EOC';
limit_req_zone  $request_method  zone=calls:1m  rate=4r/s;

token_log      sales;
token_service  half   { pass /internal/half; append sales; }
token_service  chunk  { pass /internal/chunk; append sales; }
token_service  paced  { pass /internal/paced; append sales; timeout 10s; }
token_service  hasty  { pass /internal/paced; append sales; timeout 100ms; }

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch  sales;
    token_allow  half chunk paced hasty;

    location = /live { token_websocket; }

    location /internal/ {
        internal;
        proxy_http_version  1.1;
        proxy_pass          http://127.0.0.1:BACKEND;
    }

    location = /internal/paced {
        internal;
        limit_req     zone=calls burst=20;
        default_type  application/json;
        proxy_pass    http://127.0.0.1:%%PORT1%%;
    }
}

server {
    listen 127.0.0.1:%%PORT1%%;
    default_type application/json;
    location / { return 200 '{"order":1}'; }
}
EOC
$conf =~ s/BACKEND/$port/;
my $t = Test::Token->new(main => "thread_pool token threads=4;\n",
    conf => $conf);
$t->plan(9);

my $s = $t->connect;
$s->watch('sales');

is($s->spend('half')->{outcome}, 'failed', 'half of an answer is none');
is($s->spend('chunk')->{outcome}, 'failed', 'chunks without an end, neither');


# limit_req in the location: a call waits there, and goes on

my @ids = map { $s->token('paced', $_) } 1 .. 3;
is($s->outcome($_)->{outcome}, 'ok', 'a call that has to wait') for @ids;

@ids = map { $s->token('hasty', $_) } 1 .. 5;
my %outcome;
$outcome{ ($_->{error} // {})->{code} // $_->{outcome} }++
    for map { $s->outcome($_) } @ids;
cmp_ok($outcome{timeout} // 0, '>=', 4, 'calls that cannot wait so long');
is($s->spend('paced', 'x')->{outcome}, 'ok', 'and the worker goes on');
is(scalar($t->workers), 1, 'the same one');
ok($s->is_open, 'with its session');
