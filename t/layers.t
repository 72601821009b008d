# What may include what (the table of the design): nobody but http/ and the
# module knows nginx, nobody but store/ knows LMDB, and nothing points upwards.

use strict;
use warnings;

use Test::More;

my %may = (
    ws => [], token => [], store => ['token'],
    http => [qw/ ws token store /], '.' => ['http'],
);
my @files = map { sort glob "$_/*.[ch]" } '.', sort grep { $_ ne '.' } keys %may;

my $public = 'http/ngx_http_token_handler.h';
my @handlers = map { sort glob "$_/handler/*.c" } qw/ examples t /;

plan(tests => 3 * @files + 1 + @handlers);

for my $file (@files) {
    $file =~ s!^\./!!;
    my ($layer) = $file =~ m!^([^/]+)/!;
    $layer //= '.';
    my @lines = read_lines($file);

    my (@upwards, @system);
    for (grep { /^\s*#\s*include/ } @lines) {
        my ($name) = /["<]([^">]+)/ or next;
        my ($to) = $name =~ m!^(\w+)/!;

        if (defined $to && exists $may{$to}) {
            push @upwards, $name
                unless $to eq $layer || grep { $_ eq $to } $may{$layer}->@*;
            next;
        }

        # nginx's own headers have no folder
        push @system, $name
            if $name =~ /^ng[xi]/ && $layer =~ /^(?:ws|token|store)$/;
        push @system, $name if $name eq 'lmdb.h' && $layer ne 'store';
    }

    is("@upwards", '', "$file includes what its layer may");
    is("@system", '', "$file knows only what its layer may");

    # names are global in C
    my $prefix = $layer =~ /^(?:ws|token|store)$/ ? 'ngx_token_'
        : 'ngx_http_token_';
    my @defined = grep { !/^\Q$prefix\E/ } map { /^(\w+)\(/ ? $1 : () } @lines;
    is("@defined", '', "$file defines $prefix*");
}


# other modules include one header, which brings in nothing else of ours

for my $file ($public, @handlers) {
    my @own = grep { !/^ngx_(?:config|core|http|sha1)\.h$/ }
        map { /^\s*#\s*include\s*["<]([^">]+)/ ? $1 : () } read_lines($file);
    is("@own", $file eq $public ? '' : $public, "$file stands by itself");
}


sub read_lines {
    my ($file) = @_;
    open my $fh, '<', $file or die "$file: $!";
    return <$fh>;
}
