#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The second verifier against the documents, its own checks, and libaver: golden answers and thousands
# of tampered ones must be judged alike by both, down to the checks that fail.
set -eu
# Ed25519 in WebCrypto makes Node.js 18 warn.
export NODE_NO_WARNINGS=1
verify=${AVER_SOURCE:?}/web/verify
mutants_count=10000

if ! command -v node >/dev/null 2>&1; then
    echo "SKIP node is not installed: the second verifier was not run"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# expect CODE WORDS...: main.mjs ends with the code and says the words last.
expect() {
    wanted=$1 words=$2
    shift 2
    code=0
    node "$verify/main.mjs" "$@" >"$folder/said" 2>&1 || code=$?
    case $code,$(tail -n 1 "$folder/said") in
    "$wanted,$words"*) ;;
    *)
        echo "main.mjs $*: exit $code instead of $wanted, and it said:"
        cat "$folder/said"
        exit 1
        ;;
    esac
}

golden=$AVER_SOURCE/tests/golden
policy="--policy $golden/policy.json"
root=$golden/sim-root.hex
# shellcheck disable=SC2086 # two words
{
    expect 0 "VERIFIED 34 checks" "$golden/whole.capsule" $policy --sim-root "$root"
    expect 0 "VERIFIED 34 checks" "$golden/whole.capsule" $policy --sim-root "$(cat "$root")" -q
    expect 0 '{"accepted":true,' "$golden/whole.capsule" $policy --sim-root "$root" --json
    expect 1 "REFUSED receipt.response, receipt.stream" "$golden/changed.capsule" $policy \
        --sim-root "$root"
    expect 1 "REFUSED platform.root" "$golden/whole.capsule" $policy
    expect 1 "REFUSED receipt.time" "$golden/whole.capsule" $policy --sim-root "$root" --now 0
    expect 4 "ENOENT" "$golden/nothing.capsule" $policy --sim-root "$root"
    expect 2 "the policy or the root: " "$golden/whole.capsule" --policy "$root"
    expect 2 "exit codes: 0 accepted" "$golden/whole.capsule"
}

node "$verify/test/reading.mjs"
node "$verify/test/documents.mjs"
node "$verify/test/checks.mjs"
# Another seed can be asked for; it is printed, so that what was found can be found again.
seed=${AVER_SEED:-1}
echo "mutants of seed $seed"
"$AVER_BIN/aver-mutant-maker" "$seed" "$mutants_count" "$folder/mutants"
node "$verify/test/mutants.mjs" "$folder/mutants"
