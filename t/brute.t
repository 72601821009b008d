# examples/tutorial.conf: it starts, and who guesses passwords is held up.

use Test::Token;
use Mojo::Util qw/ b64_encode /;

# The example as it is, with the places that tools/run.sh fills in.
package Tutorial {
    use Mojo::Base 'Test::Token', -signatures;

    sub import { }

    sub config ($self, @args) {
        my $dir = $self->dir;
        my %places = (
            LOAD_MODULE => $self->{module} ? "load_module $self->{module};" : '',
            USER => $> == 0 ? 'user root;' : '', WORKERS => 2, PREFIX => $dir,
            ERROR_LOG => $self->log_file, MIME_TYPES => "$dir/mime.types",
            STORE => "$dir/store", PORT => $self->port, HTML => "$dir/html",
            USERS => "$dir/users",
        );
        my $text = Test::Token::read_file(undef, $self->{example});
        $text =~ s/\@(\w+)\@/$places{$1} \/\/ die "no place $1\n"/ge;
        return "daemon off;\nenv ASAN_OPTIONS;\nenv UBSAN_OPTIONS;\n"
            . $text =~ s/(error_log \S+) *\S+ warn;/$1 info;/r
            =~ s/ warn;/ info;/r;
    }
}

my $t = Tutorial->new(start => 0, workers => 2,
    example => Mojo::File->new(__FILE__)->to_abs->dirname->dirname
        ->child('examples/tutorial.conf')->to_string);
$t->write_file('mime.types', 'types { text/html html; }');
$t->write_file('html/index.html', 'hello');
$t->write_file(users => 'alice:{SHA}iEPX+SQWIR3p67lj/0zigSWTKHg=' . "\n");
$t->start;
$t->plan(9);

sub try ($password) {
    return $t->get('/auth' =>
        { Authorization => 'Basic ' . b64_encode("alice:$password", '') });
}


my $res = try('foobar');
is($res->code, 303, 'the right password');
my ($cookie) = $res->headers->set_cookie =~ /^([^;]+)/;

my %n;
$n{ try("guess$_")->code }++ for 1 .. 60;
cmp_ok($n{401}, '>=', 10, 'some guesses are answered');
cmp_ok($n{401}, '<', 60, 'but not all of them');
is($n{401} + $n{429}, 60, 'the others are told: 429');
ok(scalar(grep { try('foobar')->code == 429 } 1 .. 60),
    'even the right password has to wait');
ok(wait_for(sub { try('foobar')->code == 303 }), 'a moment');

my $s = $t->connect('/live', cookie => $cookie);
is($s->hello->{user}, 'alice', 'who has a cookie is not held up');
is($t->get('/')->body, 'hello', 'nor is the page');
unlike($t->log, qr/guess|foobar/, 'and no password is in the log');
