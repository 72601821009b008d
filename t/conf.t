# Every mistake is found by nginx -t, and named with file and line.

use Test::Token;

my $t = Test::Token->new(start => 0);
my @tests = ();

# In a location that has everything it needs.
sub live ($directives, $http = '') {
    return <<"EOC";
token_atom switch false;
token_log chat;
token_presence room;
token_service toggle { toggle switch; }
$http
server {
    listen 127.0.0.1:%%PORT%%;
    location = /live {
        $directives
    }
}
EOC
}

sub service ($effects) {
    return live('token_websocket;', "token_service it {\n$effects\n}");
}

my @good = (
    'a location with everything' => live(<<'EOD'),
        token_websocket; token_allow toggle; token_watch switch chat room;
        token_origin https://a.example http://b.example:8080;
        token_max_message 1m; token_max_frames 10; token_max_depth 8;
        token_max_ratio 0;
        token_max_inflight 5; token_max_watches 6; token_heartbeat 10s;
        token_stall_timeout 20s;
EOD
    'a resource of one channel' => live(
        'token_resource switch; token_watch switch;'),
    'a status, with nothing else' => 'server { listen 127.0.0.1:%%PORT%%; '
        . 'location / { token_status prometheus; } }',
    'an echo needs nothing else' => live('token_echo;'),
    'each parameter of a log' => live('token_websocket;',
        'token_log l keep=10 age=7d;'),
    'each effect' => service(<<'EOD'),
        set switch; set switch '{"a": $token_arg_x}'; toggle switch;
        add switch 1; merge switch; put switch $token_arg_a 7; delete switch;
        append chat; append chat "\"$remote_addr\"";
EOD
    'each option' => service(
        'require_user; max_size 4k; fail 50%; append chat;'),
);

my @bad = (
    'a result where there is none' => [
        service('set switch $token_result; # here'),
        qr/no "\$token_result" in the service "it"/ ],
    'a resource without a channel, in a location of one URI' => [
        live("token_websocket; } location = /a {\n token_resource; # here"),
        qr/"token_resource" directive needs a channel/ ],
    'a resource without a channel, in one of many' => [
        live("token_websocket; } location ~ /a {\n token_resource; # here"),
        qr/"token_resource" directive needs a channel/ ],
    'a resource beside another handler' => [
        live("token_websocket;\ntoken_resource switch; # here"),
        qr/another handler of this module/ ],
    'a resource of an unknown channel' => [
        live("token_watch switch;\ntoken_resource nope; # here"),
        qr/does not allow the channel "nope"/ ],
    'a resource that nobody may watch' => [
        live("token_watch switch;\ntoken_resource chat; # here"),
        qr/does not allow the channel "chat"/ ],
    'a status of no known format' => [ live('token_status xml; # here'),
        qr/invalid parameter "xml"/ ],
    'a status beside another handler' => [
        live("token_websocket;\ntoken_status; # here"),
        qr/another handler of this module/ ],
    # the store
    'no token_store' => [ 'server { listen 127.0.0.1:%%PORT%%; '
        . "location / { token_websocket; # here\n } }", qr/no "token_store"/ ],
    'a second token_store' => [ "token_store %%DIR%%/store;\n"
        . 'token_store %%DIR%%/store; # here', qr/duplicate/ ],
    'a size that is none' => [ 'token_store %%DIR%%/store size=big; # here',
        qr/invalid parameter "size=big"/ ],
    'an unknown parameter' => [ 'token_store %%DIR%%/store fast; # here',
        qr/invalid parameter "fast"/ ],
    'sync that is neither on nor off' => [
        'token_store %%DIR%%/store sync=maybe; # here', qr/sync=maybe/ ],
    'a store that is a file' => [ "token_store %%DIR%%/file; # here\n"
        . live('token_websocket;'), qr/not a directory/ ],
    'a store below what is not there' => [
        "token_store %%DIR%%/no/such/dir; # here\n" . live('token_websocket;'),
        qr!/no/such/dir! ],

    # channels
    'an initial value that is not JSON' => [ 'token_atom a {false; # here',
        qr/./ ],
    'an initial value without quotes' => [ 'token_atom a green; # here',
        qr/"green" is not JSON/ ],
    'a channel twice' => [ "token_atom a 0;\ntoken_log a; # here",
        qr/duplicate channel "a"/ ],
    'a star in the middle' => [ 'token_atom a/*/b 0; # here',
        qr/invalid channel name/ ],
    'a family of logs' => [ 'token_log a/*; # here', qr/invalid channel name/ ],
    'an empty name' => [ 'token_atom "" 0; # here', qr/invalid channel name/ ],
    'a name that is too long' => [ 'token_atom ' . 'x' x 256 . ' 0; # here',
        qr/invalid channel name/ ],
    'keep=0' => [ 'token_log a keep=0; # here', qr/invalid parameter "keep=0"/ ],
    'an age that is none' => [ 'token_log a age=old; # here',
        qr/invalid parameter/ ],
    'a grace that is none' => [ 'token_presence a grace=-1; # here',
        qr/invalid parameter/ ],

    # services
    'an unknown effect' => [ service('explode switch; # here'),
        qr/unknown directive "explode"/ ],
    'an unknown channel in an effect' => [ service('toggle nope; # here'),
        qr/unknown channel "nope"/ ],
    'an effect of atoms on a log' => [ service('toggle chat; # here'),
        qr/"chat" is not an atom/ ],
    'an append to an atom' => [ service('append switch; # here'),
        qr/"switch" is not a log/ ],
    'an append to presence' => [ service('append room; # here'),
        qr/"room" is not a log/ ],
    'an effect without a channel' => [ service('toggle; # here'),
        qr/invalid number of arguments/ ],
    'an effect with too much' => [ service('toggle switch 1; # here'),
        qr/invalid number of arguments/ ],
    'a value that is not JSON' => [ service('set switch {a}; # here'),
        qr/./ ],
    'a value that would not be JSON' => [
        service(q(set switch '{"a": $remote_addr'; # here)), qr/is not JSON/ ],
    'an unknown variable' => [ service('set switch $nonesuch; # here'),
        qr/unknown variable "\$nonesuch"/ ],
    'an unknown variable of ours' => [ service('set switch $token_foo; # here'),
        qr/unknown variable "\$token_foo"/ ],
    'a service twice' => [ live('token_websocket;',
        'token_service toggle { toggle switch; } # here'),
        qr/duplicate service "toggle"/ ],
    'fail without a per cent sign' => [ service('fail 50; # here'),
        qr/invalid value "50"/ ],
    'fail more than 100%' => [ service('fail 101%; # here'),
        qr/invalid value "101%"/ ],
    'a delay that is none' => [ service('delay soon; # here'),
        qr/invalid value "soon"/ ],
    'a delay without a thread pool' => [ service("delay 1s;\n append chat;"),
        qr/service "it" needs the thread pool "token"/, 0 ],
    'a variable in pass' => [ service('pass /x?$token_user; # here'),
        qr/invalid value/ ],
    'timeout without work' => [ live('token_websocket;',
        "token_service it { # here\ntimeout 1s; append chat;\n}"),
        qr/"it" has "timeout", but neither/ ],
    'timeout of a search' => [ live('token_websocket;',
        "token_service it { # here\ntimeout 1s; find chat;\n}"),
        qr/"it" has "timeout", but neither/ ],
    'idempotent without work' => [ live('token_websocket;',
        "token_service it { # here\nidempotent; append chat;\n}"),
        qr/"it" has "idempotent", but neither/ ],
    'a service that is not UTF-8' => [ live('token_websocket;',
        "token_service \"a\xff\" { # here\n}"), qr/is not UTF-8/ ],
    'max_size 0' => [ service('max_size 0; # here'), qr/invalid value/ ],
    'require_user with an argument' => [ service('require_user on; # here'),
        qr/invalid number of arguments/ ],

    # locations
    'an unknown service' => [ live('token_websocket; token_allow nope; # here'),
        qr/unknown service "nope"/ ],
    'an unknown channel' => [ live('token_websocket; token_watch nope; # here'),
        qr/unknown channel "nope"/ ],
    'an origin with a path' => [
        live('token_websocket; token_origin https://a.example/b; # here'),
        qr/invalid origin/ ],
    'an origin without a scheme' => [
        live('token_websocket; token_origin a.example; # here'),
        qr/invalid origin/ ],
    'a user by $remote_user' => [
        live('token_websocket; token_user $remote_user; # here'),
        qr/what the client typed/ ],
    'a user by $token_user' => [
        live('token_websocket; token_user x$token_user; # here'),
        qr/which it sets/ ],
    'a heartbeat that is too short' => [
        live('token_websocket; token_heartbeat 1ms;'),
        qr/"token_heartbeat" must be at least 1s in /, 0 ],
    'a ratio that does not fit' => [
        live('token_websocket; token_max_ratio 4294967296;'),
        qr/"token_max_ratio" must be at most 4294967295 in /, 0 ],
    'two handlers' => [ live("token_websocket;\n token_echo; # here"),
        qr/another handler/ ],
    'token_websocket in a server' => [
        "server { listen 127.0.0.1:%%PORT%%;\n token_websocket; # here\n}",
        qr/not allowed here/ ],
    'token_store in a server' => [
        "server {\n token_store %%DIR%%/store; # here\n}", qr/not allowed here/ ],
    'a thread pool that is not there' => [ live('token_websocket;',
        "token_thread_pool nope;\ntoken_service it { delay 1s; }"),
        qr/thread pool "nope"/, 0 ],
);

$t->plan(@good / 2 + @bad / 2);
$t->write_file(file => '');

while (my ($name, $conf) = splice @good, 0, 2) {
    my ($ok, $out) = $t->conf_test($conf);
    ok($ok, "passes: $name") or diag($out);
}

while (my ($name, $case) = splice @bad, 0, 2) {
    my ($conf, $regex, $lined) = @$case;
    $t->{store} = $name ne 'no token_store';
    my ($ok, $out, $line) = $t->conf_test($conf);

    my $where = $lined // 1 ? qr/ in \S+test\.conf:$line\b/ : qr//;
    ok(!$ok && $out =~ /\[emerg\].*$regex/ && $out =~ $where, "fails: $name")
        or diag($ok ? 'it passes' : $out);
}
