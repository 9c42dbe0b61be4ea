#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The second verifier where readers have it: in a browser, held against libaver over the golden answers
# and over tampered ones.
set -eu
mutants_count=10000

if ! command -v node >/dev/null 2>&1; then
    echo "SKIP node is not installed: the second verifier was not run in a browser"
    exit 77
fi
browser=
for name in chromium-headless-shell chromium; do
    [ -n "$browser" ] || browser=$(command -v "$name" || true)
done
if [ -z "$browser" ]; then
    echo "SKIP no chromium is installed: the second verifier was not run in a browser"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# What a browser keeps beside its profile stays here as well.
HOME=$folder
XDG_CONFIG_HOME=$folder/config XDG_CACHE_HOME=$folder/cache
export HOME XDG_CONFIG_HOME XDG_CACHE_HOME
seed=${AVER_SEED:-2}
echo "mutants of seed $seed"
"${AVER_BIN:?}/aver-mutant-maker" "$seed" "$mutants_count" "$folder/mutants"
node "${AVER_SOURCE:?}/tests/interop/verify_browser.mjs" "$browser" "$AVER_BIN/aver" \
    "$AVER_SOURCE" "$folder/mutants" "$folder/profile"
