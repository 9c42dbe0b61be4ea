#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each check of one platform has a test in which it alone fails: fails_alone(verdict, "name", ...)
# in a test of that family. (Those of every judgement: unit/verify_test walks over them.)
set -u
source=${AVER_SOURCE:?}
cases=$(cat "$source"/tests/unit/*_test.c | tr '\n' ' ' | grep -o 'fails_alone([^;]*;' |
    grep -o '"[a-z.-]*"' | sort -u)
names=$(tr '\n' ' ' < "$source/src/attest/checks.c" | grep -o '{"[a-z.-]*",[^}]*}' |
    grep -v 'NULL}' | sed 's/^{\("[^"]*"\).*/\1/')
count=$(echo "$names" | grep -c .)
if [ "$count" -lt 30 ]; then
    echo "FAIL: only $count checks of platforms were found"
    exit 1
fi
failed=0
for name in $names; do
    if ! echo "$cases" | grep -qxF "$name"; then
        echo "FAIL: no test in which $name alone fails"
        failed=1
    fi
done
[ $failed = 0 ] && echo "$count checks of platforms, each with a case of its own"
exit $failed
