#!/bin/bash

# Fetches Debian's nginx source into build/src, once, and prints its folder:
#
#     tools/nginx-source.sh [RELEASE]
#
# of this Debian release, or of another one (trixie).  The system's list of
# sources is only read: a private copy of it asks for source packages.

set -eu -o pipefail

# shellcheck source=/dev/null
here=$(. /etc/os-release && echo "$VERSION_CODENAME")
release=${1-$here}
src=$BUILD/src/$release
apt=$BUILD/apt/$release

if [ ! -e "$src/path" ]; then
    rm -rf "$src" "$apt"
    mkdir -p "$src" "$apt/lists/partial" "$apt/cache/archives/partial" \
        "$apt/sources.d"

    # one-line and deb822 style: what names this release
    perl -e '
        my ($here, $release, $dir) = @ARGV;
        my @one = ("/etc/apt/sources.list", glob "/etc/apt/sources.list.d/*.list");
        my @deb822 = glob "/etc/apt/sources.list.d/*.sources";

        open my $list, ">", "$dir/source.list" or die $!;
        for my $file (grep { -r } @one) {
            open my $fh, "<", $file or die $!;
            while (<$fh>) {
                next unless s/^deb\s/deb-src / && s/\b$here\b/$release/g;
                print $list $_;
            }
        }

        open my $sources, ">", "$dir/source.sources" or die $!;
        for my $file (grep { -r } @deb822) {
            open my $fh, "<", $file or die $!;
            local $/ = "";
            while (<$fh>) {
                next unless s/^Types:.*/Types: deb-src/mi
                    && s/^(Suites:.*)/$1 =~ s{\b$here\b}{$release}gr/mei
                    && /^Suites:.*\b$release\b/mi;
                s/\s*\z/\n\n/;
                print $sources $_;
            }
        }
    ' "$here" "$release" "$apt/sources.d"

    opts=(-q -o "Dir::Etc::sourcelist=/dev/null"
          -o "Dir::Etc::sourceparts=$apt/sources.d"
          -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
          -o "APT::Sandbox::User=$(id -un)")

    # A repository on that list may lack sources, and a mirror may lack the
    # newest of them: the next one will do.
    fetch() {
        local v
        apt-get "${opts[@]}" update || :
        for v in $(apt-cache "${opts[@]}" showsrc nginx \
            | sed -n 's/^Version: //p' | sort -V -r -u)
        do
            ! apt-get "${opts[@]}" source "nginx=$v" || return 0
        done
        return 1
    }

    (cd "$src" && fetch) >"$apt/log" 2>&1 </dev/null \
        || { tail -n 20 "$apt/log" >&2; exit 1; }

    echo "$src"/nginx-*/ >"$src/path"
    rm -rf "$apt/lists"
fi

path=$(<"$src/path")
echo "${path%/}"
