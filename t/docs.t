# What is in the source is documented, and what is documented is in the source:
# directives, effects and options in README.md, words and codes in PROTOCOL.md.

use strict;
use warnings;

use Test::More;

my $readme = read_file('README.md');
my $protocol = read_file('PROTOCOL.md');
my $module = read_file('ngx_http_token_module.c');
my $channel = read_file('http/ngx_http_token_channel.c');
my $service = read_file('http/ngx_http_token_service.c');
my $template = read_file('http/ngx_http_token_template.c');

my %documented = documented();
my %directives = directives();
my @service = service_directives();
my @tests;


# directives

for my $name (sort keys %directives) {
    my $doc = $documented{$name};
    push @tests,
        [ $doc, "$name is documented" ],
        [ $doc && is_syntax($name, $doc->{Syntax}), "$name: Syntax" ],
        [ $doc && is_default($name, $doc->{Default}), "$name: Default" ],
        [ $doc && $doc->{Context} eq $directives{$name},
            "$name: Context is $directives{$name}" ];
}

for my $name (@service) {
    my $doc = $documented{$name};
    push @tests,
        [ $doc, "$name of token_service is documented" ],
        [ $doc && is_syntax($name, $doc->{Syntax}), "$name: Syntax" ],
        [ $doc && is_default($name, $doc->{Default}), "$name: Default" ],
        [ $doc && $doc->{Context} eq 'token_service',
            "$name: Context is token_service" ];
}

my %source = (%directives, map { $_ => 1 } @service);
my @unknown = grep { !$source{$_} } sort keys %documented;
push @tests, [ !@unknown, "nothing else is documented @unknown" ];

# a directive that is only spoken of must exist as well
my %mentioned = map { $_ => 1 }
    grep { !/^token_(?:arg_|value$|id$)/ } "$readme$protocol" =~ /`(token_\w+)/g;
my @gone = grep { !$source{$_} } sort keys %mentioned;
push @tests, [ !@gone, "no other directive is spoken of @gone" ];


# what token_status says, in both formats

my ($metrics) = $readme =~ /^### token_status\n(.*?)^### /ms;
for (read_file('http/ngx_http_token_status.c')
    =~ /\{?\s+"(\w+)", "nginx_token_(\w+)", "(?:gauge|counter)",/g)
{
    push @tests, [ $metrics =~ /\b$_\b/, "token_status: $_ is documented" ];
}


# parameters: what stands before "=" in the source and in a Syntax

for my $name (sort keys %documented) {
    my @missing = grep { !is_parameter($_) }
        $documented{$name}{Syntax} =~ /\b([a-z_]+)=/g;
    push @tests, [ !@missing, "$name: its parameters exist @missing" ];
}


# variables of services

my @variables = sort $template =~ /\{ ngx_string\("(token_\w+)"\), \d,/g;
push @tests, [ @variables > 3, 'the variables of services are found' ];

for my $name (grep { $_ ne 'token_' } @variables) {
    $name =~ s/_$/_NAME/;
    push @tests,
        [ in_table($readme, "\$$name"), "\$$name is documented" ];
}


# the protocol

my @errors = grep { $_ ne 'none' } errors();
push @tests, [ @errors > 10, 'the errors of tokens are found' ];
push @tests,
    [ in_table(section(5), $_), "the error $_ is in PROTOCOL.md" ]
    for @errors;

my %errors = map { $_ => 1 } @errors, outcomes();
my @strange = grep { !$errors{$_} && !/^(?:id|service|value)$/ }
    section(5) =~ /^\| `(\w+)` \|/mg;
push @tests, [ !@strange, "and no others @strange" ];

push @tests, [ in_table(section(5), $_), "the outcome $_ as well" ]
    for outcomes();

my @refusals = refusals();
push @tests, [ @refusals > 3, 'the errors of messages are found' ];
push @tests,
    [ in_table(section(9), $_), "the error $_ is in PROTOCOL.md" ]
    for @refusals;

my %refusals = map { $_ => 1 } @refusals;
@strange = grep { !$refusals{$_} } section(9) =~ /^\| `(\w+)` \|/mg;
push @tests, [ !@strange, "and no others @strange" ];

my %codes = close_codes();
my @listed = section(10) =~ /^\| (\d{4}) \|/mg;
push @tests, [ keys %codes > 10, 'the close codes are found' ];

for my $name (sort keys %codes) {
    my $code = $codes{$name};
    push @tests, [ scalar(grep { $_ == $code } @listed),
        "$name, $code, is in PROTOCOL.md" ];
}

my $header = read_file('ws/ngx_token_ws.h');
@strange = grep { $header !~ /^#define NGX_TOKEN_WS_\w+\s+$_\b/m } @listed;
push @tests, [ !@strange, "and no close code without a name @strange" ];


plan(tests => scalar @tests);
ok($_->[0], $_->[1]) for @tests;


sub read_file {
    my ($name) = @_;
    open my $fh, '<:encoding(UTF-8)', $name or die "$name: $!";
    local $/ = undef;
    return scalar <$fh>;
}


# name => { Syntax, Default, Context }, one line each
sub documented {
    my %docs;

    while ($readme =~ /^#{3,5} (\w+)\n\n((?: {4}\S.*\n| {14}\S.*\n)+)/mg) {
        my ($name, $block) = ($1, $2);
        next unless $block =~ /^ {4}Syntax:/;

        my %doc;
        my $field = '';
        for (split /\n/, $block) {
            $field = $1 if s/^ {4}(Syntax|Default|Context):\s+//;
            s/^\s+|\s+$//g;
            $doc{$field} = join ' ', grep { defined } $doc{$field}, $_;
        }

        $doc{$_} //= '' for qw/ Syntax Default Context /;
        $docs{$name} = \%doc;
    }

    return %docs;
}


# name => its contexts, by the table of commands
sub directives {
    my %found;

    while ($module =~ /ngx_string\("(token_\w+)"\),\s+(NGX_[\w|]+),/g) {
        my ($name, $flags) = ($1, $2);
        my @contexts = map { $_->[1] } grep { $flags =~ /$_->[0]/ }
            [ qr/HTTP_MAIN_CONF/ => 'http' ], [ qr/HTTP_SRV_CONF/ => 'server' ],
            [ qr/HTTP_LOC_CONF/ => 'location' ];
        $found{$name} = join ', ', @contexts;
    }

    return %found;
}


# effects by their table, options by the comparisons with their names
sub service_directives {
    my ($table) = $service =~ /effect_forms\[\] = \{(.*?)^\};/ms;
    my @effects = $table =~ /ngx_string\("(\w+)"\)/g;
    my @options = $service =~ /ngx_strcmp\(value\[0\]\.data, "(\w+)"\)/g;
    my %seen;
    return grep { !$seen{$_}++ } @effects, @options;
}


sub is_syntax {
    my ($name, $syntax) = @_;
    return scalar($syntax =~ /^\Q$name\E\b.*[;}]$/);
}


sub is_default {
    my ($name, $default) = @_;
    return scalar($default =~ /^(?:\x{2014}|\Q$name\E\b.*;)$/);
}


sub is_parameter {
    my ($name) = @_;
    return scalar("$module$channel" =~ /"\Q$name\E=/);
}


# a row that begins with the word, as code
sub in_table {
    my ($text, $word) = @_;
    return scalar($text =~ /^\| `\Q$word\E` \|/m);
}


sub section {
    my ($n) = @_;
    my ($text) = $protocol =~ /^## $n\. (.*?)(?=^## \d|\z)/ms;
    return $text // '';
}


sub errors {
    my ($table) = read_file('token/ngx_token.c')
        =~ /ngx_token_err_words\[\] = \{(.*?)^\};/ms;
    return $table =~ /\{ "(\w+)",/g;
}


sub outcomes {
    my ($table) = read_file('token/ngx_token.c')
        =~ /ngx_token_outcome_names\[\] = \{(.*?)^\};/ms;
    return $table =~ /"(\w+)"/g;
}


# the words that "error" messages are made with
sub refusals {
    my %found;

    for (map { read_file($_) } glob '{token,http}/*.c') {
        $found{$_}++ for
            /ngx_http_token_watch_error\(\w+, "(\w+)"/g,
            /ngx_token_decode_fail\(\S+, "(\w+)"/g;
    }

    return sort keys %found;
}


# name => number of those that the code uses and that go over the wire
sub close_codes {
    my $sources = join '', map { read_file($_) } glob '{ws,http}/*.c';
    my %found = read_file('ws/ngx_token_ws.h')
        =~ /^#define (NGX_TOKEN_WS_\w+)\s+(\d{4})\b/mg;
    delete @found{ grep { $found{$_} =~ /^100[56]$/ || $sources !~ /\b$_\b/ }
        keys %found };
    return %found;
}
