#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/tidy must flag one breach of each rule, alone, and must not flag what only looks like one.
set -u
tidy=${AVER_SOURCE:?}/tools/tidy
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
failed=0
licence='/* SPDX-License-Identifier: Apache-2.0 */'

fixture() {
    rm -rf "$top/tree"
    mkdir -p "$top/tree/src/codec" "$top/tree/src/base" "$top/tree/include/aver"
    printf '%s\nint base_value(void);\n' "$licence" >"$top/tree/src/base/value.h"
    printf '%s\nint value_of(void);\n' "$licence" >"$top/tree/include/aver/value.h"
    printf '%s\n#include "aver/value.h"\n#include "base/value.h"\n' "$licence" >"$top/tree/src/base/value.c"
}

# expect RULE: the fixture is refused, for this rule only.
expect() {
    if output=$("$tidy" "$top/tree"); then
        echo "FAIL: $1 was not flagged"
        failed=1
        return
    fi
    rules=$(printf '%s\n' "$output" | sed '$d; s/^[^:]*:[0-9]*: //; s/:.*//' | sort -u)
    if [ "$rules" != "$1" ]; then
        echo "FAIL: $1 expected, got:"
        printf '%s\n' "$output"
        failed=1
    else
        echo "ok: $1"
    fi
}

expect_clean() {
    if output=$("$tidy" "$top/tree"); then
        echo "ok: clean: $1"
    else
        echo "FAIL: flagged without cause: $1"
        printf '%s\n' "$output"
        failed=1
    fi
}

code() {
    printf '%s\n' "$@" >>"$top/tree/src/codec/subject.c"
}

begin() {
    fixture
    printf '%s\n' "$licence" >"$top/tree/src/codec/subject.c"
}

lines() {
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "    value++;" }'
}

begin
code '#include "base/value.h"' '#include "aver/value.h"' '#include "own.h"'
expect_clean 'includes of lower layers'

begin
code 'static const char a[] = "see http://example.org // none, strcpy(a)";'
code '/* strcpy(x) in a comment // too */' 'aver_strcpy(a); object.rand(1);' "char quote = '\"';"
code 'int mkstemp_name = sizeof "/tmp/x-XXXXXX";'
expect_clean 'strings, comments, longer names'

begin
code 'void f(void)' '{' "$(lines 70)" '}'
expect_clean 'a function of 70 lines'

begin
code 'void f(void)' '{' "$(lines 71)" '}'
expect function-length

begin
code "$(lines 800)"
expect file-length

begin
printf '%s\n#include "net/http.h"\n' "$licence" >>"$top/tree/src/base/up.c"
expect layering

begin
printf '%s\n#include "aver/deep.h"\n' "$licence" >"$top/tree/src/base/up.c"
printf '%s\n' "$licence" >"$top/tree/src/codec/deep.c"
printf '%s\n' "$licence" >"$top/tree/include/aver/deep.h"
expect layering

begin
printf '%s\n' "$licence" >"$top/tree/include/aver/orphan.h"
expect layering

for name in strcpy strcat sprintf vsprintf gets atoi atol strtok alloca system popen rand; do
    begin
    code "    value = $name(other);"
    expect banned
done

for word in TO''DO FIX''ME X''XX HA''CK st''ub 'not implemen''ted'; do
    begin
    code "/* $word: later */"
    expect leftover
done

begin
code 'int a; // said'
expect comment

begin
code "int $(printf '%0110d' 0);"
expect width

begin
code 'int a; '
expect blanks

begin
printf 'a\tb\n' >"$top/tree/Makefile"
code "$(printf '\tint a;')"
expect blanks

fixture
echo 'int a;' >"$top/tree/src/codec/subject.c"
expect spdx

fixture
printf '#!/bin/sh\necho\n' >"$top/tree/script"
expect spdx

for path in /wor''k/main /ho''me/someone /ro''ot/.cache /var/t''mp/x; do
    begin
    code "static const char path[] = \"$path/x\";"
    expect path
done

begin
echo "see https://regis""try.example.org/x" >"$top/tree/notes.md"
expect registry

begin
head -c 1048577 /dev/zero >"$top/tree/big.bin"
expect blob

begin
head -c 1048576 /dev/zero >"$top/tree/big.bin"
expect_clean 'a file of 1 MiB'

exit "$failed"
