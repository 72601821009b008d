#!/bin/bash

# t/valgrind in Debian's nginx under valgrind: what is lost for each session,
# token and reload, and what is read before it was written.  Environment: see
# Makefile.

set -eu -o pipefail

wrapper=$BUILD/valgrind-nginx

# workers are forks of the master: valgrind is with them, too
cat >"$wrapper" <<END
#!/bin/sh
prefix=
[ "\$1" != -p ] || prefix=\$2
exec valgrind --leak-check=full --show-leak-kinds=definite \\
    --errors-for-leak-kinds=none --fair-sched=yes --num-callers=30 \\
    --keep-debuginfo=yes \\
    --log-file="\$prefix/logs/valgrind.%p" nginx "\$@"
END
chmod +x "$wrapper"

TOKEN_NGINX=$wrapper TOKEN_MODULE=$MODULE \
    exec prove --timer -It/lib t/valgrind/*.t </dev/null
