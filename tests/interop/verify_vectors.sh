#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The second verifier on evidence of real TEEs: what the unit tests make and libaver judges, and, where
# they are, the shared vectors, which `aver vectors` judges beside it. Both must agree on verdict, class
# and every check that fails.
set -eu
export NODE_NO_WARNINGS=1
vectors=${AVER_SOURCE:?}/web/verify/test/vectors.mjs

if ! command -v node >/dev/null 2>&1; then
    echo "SKIP node is not installed: the second verifier was not run"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The tests judge as ever; each case that they judge is kept.
for name in nitro snp dcap; do
    test=${AVER_BIN:?}/../tests/unit-${name}_test
    mkdir "$folder/$name"
    AVER_CASES=$folder/$name "$test" >"$folder/said" 2>&1 || {
        cat "$folder/said"
        exit 1
    }
    {
        printf '{"vectors":['
        paste -sd , "$folder/$name/cases.jsonl"
        printf ']}'
    } >"$folder/$name/manifest.json"
    node "$vectors" "$folder/$name/manifest.json"
done

# Whole answers of hardware.
mkdir "$folder/platforms"
AVER_CASES=$folder/platforms "$AVER_BIN/../tests/unit-platforms_test" >"$folder/said" 2>&1 || {
    cat "$folder/said"
    exit 1
}
node "${AVER_SOURCE:?}/web/verify/test/bundles.mjs" "$folder/platforms"

manifest=${AVER_SHARED:-}/vectors/manifest.json
if [ ! -r "$manifest" ]; then
    echo "the shared vectors are not here: only what the tests make was judged"
    exit 0
fi
# Cases of other families may be refused here or there; those of these are compared one by one.
"$AVER_BIN/aver" vectors "$manifest" --json >"$folder/said.json" || [ $? -eq 1 ]
node "$vectors" "$manifest" "$folder/said.json"
