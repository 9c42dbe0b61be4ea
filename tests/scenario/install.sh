#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make install` gives a library that others can build against: every public header compiles alone; a
# program links with what pkg-config says; the archive asks for no network and no threads and holds no
# simulator.
set -u
build=${AVER_BIN:?}/..
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

cmake --install "$build" --prefix "$top/prefix" >"$top/log" 2>&1 || {
    cat "$top/log"
    exit 1
}
PKG_CONFIG_PATH=$top/prefix/lib/pkgconfig
export PKG_CONFIG_PATH
cflags=$(pkg-config --cflags aver) || fail 'pkg-config does not know aver'
libs=$(pkg-config --libs aver)

count=0
for header in "$top"/prefix/include/aver/*.h; do
    name=${header##*/}
    printf '#include <aver/%s>\n#include <aver/%s>\n' "$name" "$name" >"$top/one.c"
    # shellcheck disable=SC2086 # flags are words
    cc -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $cflags "$top/one.c" ||
        fail "aver/$name does not compile alone"
    count=$((count + 1))
done
[ "$count" -gt 0 ] || fail 'no public headers'

cat >"$top/program.c" <<'CODE'
#include <aver/err.h>
#include <stdio.h>

int main(void)
{
    return puts(aver_err_text(AVER_E_PROOF)) < 0;
}
CODE
sanitize=$(sed -n 's/^AVER_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$build/CMakeCache.txt")
# shellcheck disable=SC2086
if cc $cflags $sanitize "$top/program.c" $libs -o "$top/program" && text=$("$top/program") &&
    [ -n "$text" ]; then
    echo "ok: a program links and says: $text"
else
    fail 'a program does not link'
fi

# Everything the archive wants from outside must be there once all of it is linked.
# shellcheck disable=SC2086
printf 'int main(void) { return 0; }\n' >"$top/whole.c"
archive=$top/prefix/lib/libaver.a
# shellcheck disable=SC2086
cc $sanitize "$top/whole.c" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive $libs -o "$top/whole" ||
    fail 'the archive is not closed in itself'

unwanted='^(socket|connect|bind|listen|accept4?|getaddrinfo|pthread_create|thrd_create|fork|execve)$'
wants=$(nm --undefined-only "$archive" 2>/dev/null | awk -v unwanted="$unwanted" '$2 ~ unwanted { print $2 }')
[ -z "$wants" ] || fail "libaver wants network, threads or processes: $wants"
sims=$(nm --defined-only "$archive" 2>/dev/null | awk '$3 ~ /(^|_)sim(_|$)/ { print $3 }')
[ -z "$sims" ] || fail "libaver holds the simulator: $sims"
defined=$(nm --defined-only "$archive" 2>/dev/null | grep -c ' T aver_')
[ "$defined" -gt 10 ] || fail 'the archive is almost empty'
echo "ok: $count headers, $defined functions"
exit "$failed"
