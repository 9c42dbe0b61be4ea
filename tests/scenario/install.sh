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
# lib, or lib/<architecture> where the prefix is /usr.
libdir=$(dirname "$(find "$top/prefix" -name libaver.a)")
PKG_CONFIG_PATH=$libdir/pkgconfig
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
    cp "$top/one.c" "$top/one.cc"
    # shellcheck disable=SC2086
    c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only $cflags "$top/one.cc" ||
        fail "aver/$name does not compile alone in C++"
    count=$((count + 1))
done
[ "$count" -gt 0 ] || fail 'no public headers'

# An auditor's whole program: judges a saved answer with public headers alone.
cat >"$top/program.c" <<'CODE'
#include <aver/sim_verify.h>
#include <aver/verify.h>
#include <stdio.h>
#include <string.h>

static uint8_t bytes[1 << 20];

static aver_view file(const char *path, size_t offset)
{
    FILE *in = fopen(path, "rb");
    size_t size = in ? fread(bytes + offset, 1, sizeof bytes - offset, in) : 0;
    if (in) {
        fclose(in);
    }
    return aver_view_make(bytes + offset, size);
}

int main(int count, char **names)
{
    static const aver_platform *const platforms[] = {&aver_platform_sim, NULL};
    static aver_verdict verdict;
    aver_verify_context context = {.use = AVER_USE_CAPSULE, .platforms = platforms};
    aver_policy *policy = NULL;
    aver_receipt receipt;
    char why[400] = "";
    if (count != 4 || aver_policy_parse(file(names[1], 0), &policy, why) != AVER_OK) {
        fprintf(stderr, "no policy: %s\n", why);
        return 2;
    }
    aver_view root = file(names[2], 0);
    context.policy = policy;
    context.now_ms = 4102444800000u;
    context.roots.has_sim_root = root.size >= 64;
    for (size_t i = 0; i < 32 && context.roots.has_sim_root; i++) {
        unsigned byte = 0;
        if (sscanf((const char *)root.data + 2 * i, "%2x", &byte) != 1) {
            return 2;
        }
        context.roots.sim_root[i] = (uint8_t)byte;
    }
    aver_verdict_init(&verdict);
    if (aver_verify_capsule(file(names[3], 0), &context, &verdict, &receipt) != AVER_OK) {
        return 2;
    }
    bool accepted = aver_policy_accepts(policy, AVER_USE_CAPSULE, &verdict, why);
    printf("%s: %zu checks\n", accepted ? "accepted" : why, verdict.count);
    aver_policy_free(policy);
    return accepted ? 0 : 1;
}
CODE
sanitize=$(sed -n 's/^AVER_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$build/CMakeCache.txt")
golden=${AVER_SOURCE:?}/tests/golden
judge() {
    "$top/program" "$golden/policy.json" "$golden/sim-root.hex" "$golden/$1.capsule"
}
# shellcheck disable=SC2046,SC2086
if cc -std=gnu17 $cflags $sanitize "$top/program.c" $(pkg-config --libs aver-sim) -o "$top/program"; then
    text=$(judge whole) || fail "the library refuses a good capsule: $text"
    echo "ok: whole.capsule is $text"
    if text=$(judge changed); then
        fail "the library accepts a changed capsule: $text"
    fi
    echo "ok: changed.capsule: $text"
else
    fail 'a program does not link'
fi

# Everything the archive wants from outside must be there once all of it is linked.
# shellcheck disable=SC2086
printf 'int main(void) { return 0; }\n' >"$top/whole.c"
archive=$libdir/libaver.a
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
