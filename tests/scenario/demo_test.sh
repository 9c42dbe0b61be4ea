#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo with the small model: every trick is refused, exit 0. With an honest engine where the lying
# one should be, the demo must notice that nothing was found, and fail.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"

fail() {
    echo "FAIL: $*"
    tail -n 40 "$top/out"
    failed=1
}

# Without a cache, so that the small model is the only one.
AVER_CACHE=$top/cache
TMPDIR=$top/tmp
export AVER_CACHE TMPDIR
mkdir "$TMPDIR"

# Where a path has a comma, a node's option has two.
cp "$model" "$top/one,two.gguf"
"$bin/aver" demo --model "$top/one,two.gguf" --keep "$top/kept" >"$top/out" 2>&1 </dev/null ||
    fail 'the demo ended badly'
[ "$(grep -c '^  REFUSED ' "$top/out")" = 13 ] || fail 'not 13 rows say REFUSED'
grep -q '13 of 13 tricks refused' "$top/out" || fail 'no summary'
grep -q 'SIMULATED' "$top/out" || fail 'the simulator is not named as such'
[ -s "$top/kept/demo.capsule" ] || fail 'nothing was kept'
width=$(LC_ALL=C.UTF-8 awk 'length($0) > 100' "$top/out" | grep -cv "$top")
[ "$width" = 0 ] || fail "$width lines are wider than 100 columns"

mkdir "$top/bin"
cp "$bin/aver" "$bin/aver-node-sim" "$top/bin/"
cp "$bin/aver-node-sim" "$top/bin/aver-hostile-engine"
if "$top/bin/aver" demo --model "$model" >"$top/out" 2>&1 </dev/null; then
    fail 'the demo did not notice that the lying engine told the truth'
fi
grep -q '12 of 13 tricks refused' "$top/out" || fail 'another row than that of the engine changed'
grep -q 'NOT SO  *lying engine' "$top/out" || fail 'the row of the engine does not say so'
[ -z "$(ls -A "$TMPDIR")" ] || fail 'the demo left something behind'
exit "$failed"
