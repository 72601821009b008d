# The keys of the login cookie: how they are kept, changed, and what a cookie
# outlives.  And nothing secret is in a log.

use Test::Token;
use Mojo::Util qw/ b64_encode /;

my $t = Test::Token->new(workers => 2, conf => <<'EOC');
token_atom  a  0;

server {
    listen 127.0.0.1:%%PORT%%;
    token_watch a;

    location = /live   { token_websocket; }
    location = /keyed  { token_websocket; token_limit_sessions $cookie_token_user 1; }
    location = /auth   {
        auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_login;
    }
    location = /logout { token_logout; }

    location /brief/ {
        token_cookie brief time=2s;
        location = /brief/live { token_websocket; }
        location = /brief/auth {
            auth_basic "x"; auth_basic_user_file %%DIR%%/users; token_login;
        }
    }
}
EOC
$t->write_file(users => "alice:{PLAIN}sesame\nbob:{PLAIN}tahini\n");
$t->plan(38);
$t->ua->cookie_jar->ignore(sub { 1 });
my $file = $t->dir . '/store/login.key';

sub login ($user, $password, $path = '/auth', %headers) {
    my $set = $t->get($path => { Authorization => 'Basic '
        . b64_encode("$user:$password", ''), %headers })->headers->set_cookie;
    return ($set // '') =~ /^([^;]+)/ ? $1 : '';
}

sub user_of ($cookie, $path = '/live') {
    my $s = $t->connect($path, cookie => $cookie);
    return $s->can('code') ? $s->code : $s->hello->{user} // 'nobody';
}

sub keys_are (@keys) {
    my $mask = umask 077;
    $t->write_file('store/login.new', join '', map { "$_\n" } @keys);
    umask $mask;
    rename "$file.new" =~ s/key\.new/new/r, $file or die "rename: $!";
    return $t->reload;
}


# the file

my $key = $t->read_file('store/login.key');
like($key, qr/^[0-9a-f]{64}\n\z/, 'a key of 64 hexadecimal digits is made');
chomp $key;
my @stat = stat $file;
is($stat[2] & 07777, 0600, 'in a file of mode 0600');
is(() = glob("$file.*"), 0, 'and nothing is left beside it');

my $conf = $t->{conf};
sub refused ($why, $regex) {
    my ($ok, $out) = $t->conf_test($conf);
    return ok(!$ok && $out =~ /\[emerg\].*$regex/, "refused: $why")
        || diag($ok ? 'it passes' : $out);
}

for my $mode (0640, 0604, 0620, 0610) {
    chmod $mode, $file;
    refused(sprintf('mode %o', $mode), qr/mode must be 0600/);
}
chmod 0600, $file;
for ([ 'an empty file', '', qr/no key/ ],
    [ 'a short key', 'abc', qr/line 1.*not a key of 64/ ],
    [ 'a key that is no number', 'x' x 64, qr/line 1.*not a key/ ],
    [ 'a second one that is none', "$key\n# comment\n\n$key$key",
        qr/line 4.*not a key/ ],
    [ 'nine keys', "$key\n" x 9, qr/more than 8 keys/ ],
    [ 'a large file', "# x\n" x 2000, qr/larger than/ ])
{
    my ($why, $text, $regex) = @$_;
    open my $fh, '>', $file or die $!;
    print $fh $text;
    close $fh;
    my ($ok, $out) = $t->conf_test($conf);
    ok(!$ok && $out =~ /\[emerg\].*$regex/, "refused: $why") or diag($out);
    unlike($out, qr/\Q$key\E|x{64}/, 'and what is in it is not said');
}
unlink $file;
symlink '/dev/zero', $file;
refused('a device', qr/not a regular file/);
unlink $file;

my ($ok) = $t->conf_test($conf);
ok($ok && -s $file, 'nginx -t makes it where it is missing');
is((stat $file)[2] & 07777, 0600, 'of mode 0600, too');


# another key

my $new = 'ab' x 32;
keys_are($key);
my $old = login('alice', 'sesame');
is(user_of($old), 'alice', 'a cookie');
ok(keys_are($new, $key), 'a new key before the old one');
is(user_of($old), 'alice', 'logs nobody out');
my $fresh = login('bob', 'tahini');
ok(keys_are('# only the new one', '', $new), 'the old one is removed');
is(user_of($old), 'nobody', 'what it signed is void');
is(user_of($fresh), 'bob', 'what the new one signed is not');


# what a cookie outlives, and what not

is(user_of($fresh), 'bob', 'it can be used again, until it expires');
$t->get('/logout' => { Cookie => $fresh });
is(user_of($fresh), 'bob', 'logging out does not void a copy');
my $brief = login('alice', 'sesame', '/brief/auth');
is(user_of($brief, '/brief/live'), 'alice', 'a cookie of two seconds');
is(user_of($brief =~ s/^brief/token_user/r), 'nobody',
    'means nothing under another name');
ok(wait_for(sub { user_of($brief, '/brief/live') eq 'nobody' }),
    'nor after its time, though the client still sends it');
my $fixed = login('alice', 'sesame', '/auth', Cookie => $fresh);
isnt($fixed, $fresh, 'a login does not take over the cookie that came');
is(user_of($fixed), 'alice', 'but makes that of who has logged in');
is(user_of("$fixed; $fresh"), 'alice', 'of two valid ones the first counts');


# nothing secret is in a log: errors, warnings, refusals, ends of sessions

login('alice', 'not-the-secret');
user_of($fixed . 'tampered');
$t->connect('/keyed', cookie => $fixed) for 1 .. 2;
my $s = $t->connect('/live', cookie => $fixed);
$s->send_text('nonsense');
$s->expect('error');
$s->close;
ok($t->wait_log(qr/too many sessions/), 'what was refused is logged');
my $logs = $t->log . $t->read_file('logs/access.log');
my @secrets = map { s/^[^=]+=//r } $key, $new, $old, $fresh, $fixed;
my @found = grep { $logs =~ /\Q$_\E/ } @secrets, 'sesame', 'not-the-secret',
    map({ (split /\./)[-1] } @secrets), b64_encode('alice:sesame', '');
is("@found", '', 'but neither keys, nor cookies, nor passwords are');
