#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The simulator platform must be absent from aver-node: no symbol of it, and none of its strings.
# Neither aver-node nor aver-node-sim may have a way to make the engine lie.
# The same question is put to aver-node-sim, where the answer must be yes: so this test can fail.
set -u
bin=${AVER_BIN:?}
failed=0

sim_symbols() {
    nm --defined-only "$1" | awk '$3 ~ /(^|_)sim(_|$)/ { n++ } END { print n + 0 }'
}

for program in aver-node aver-node-sim; do
    if [ ! -x "$bin/$program" ]; then
        echo "FAIL: $bin/$program does not exist"
        exit 1
    fi
    # A stripped program would show nothing and pass for the wrong reason.
    if ! nm --defined-only "$bin/$program" | grep ' [Tt] main$' >/dev/null; then
        echo "FAIL: $program has no symbol table"
        exit 1
    fi
done

count=$(sim_symbols "$bin/aver-node")
if [ "$count" != 0 ]; then
    echo "FAIL: aver-node holds $count simulator symbols:"
    nm --defined-only "$bin/aver-node" | awk '$3 ~ /(^|_)sim(_|$)/ { print "  " $3 }'
    failed=1
else
    echo "ok: aver-node holds no simulator symbol"
fi

count=$(sim_symbols "$bin/aver-node-sim")
if [ "$count" = 0 ]; then
    echo "FAIL: aver-node-sim shows no simulator symbol: this test sees nothing"
    failed=1
else
    echo "ok: aver-node-sim holds $count simulator symbols"
fi

# No door for a lying engine either: the tests make theirs at the linker. It has what nodes must not.
lie_symbols() {
    nm --defined-only "$1" | awk '$3 ~ /tamper|hostile|^__wrap_/ { n++ } END { print n + 0 }'
}

for program in aver-node aver-node-sim; do
    count=$(lie_symbols "$bin/$program")
    if [ "$count" != 0 ]; then
        echo "FAIL: $program holds $count symbols of a lying engine"
        failed=1
    else
        echo "ok: $program holds no symbol of a lying engine"
    fi
done
if [ "$(lie_symbols "$bin/aver-hostile-engine")" = 0 ]; then
    echo "FAIL: aver-hostile-engine shows no such symbol: this test sees nothing"
    failed=1
fi
exit "$failed"
