#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nodes that must not start: each says why, with its exit status.
set -u
bin=${AVER_BIN:?}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS WORDS PROGRAM ARGUMENTS...
expect() {
    want=$1 words=$2
    shift 2
    timeout 60 "$@" >"$dir/out" 2>&1
    got=$?
    if [ "$got" != "$want" ] || ! grep -q -e "$words" "$dir/out"; then
        echo "FAIL: $* gave $got (wanted $want and \"$words\"):"
        sed 's/^/  /' "$dir/out"
        failed=1
    else
        echo "ok: $words"
    fi
}

sim="$bin/aver-node-sim"
key="sim:key=$dir/key"
expect 0 "usage: aver-node " "$bin/aver-node" --help
expect 0 "aver-node-sim [0-9]" "$sim" --version
expect 2 "\-\-model FILE is missing" "$sim"
expect 2 "unrecognized option" "$sim" --model x --nonsense
expect 2 "unrecognized option" "$bin/aver-node" --model x --sim-engine y
expect 2 "wants a number from 1 to 256" "$sim" --model x --slots 0
expect 2 "wants a number from 1 to 256" "$sim" --model x --slots 1x
expect 2 "wants a number from 0 to 4096" "$sim" --model x --queue -1
expect 2 "wants verified or fast" "$sim" --model x --profile quick
expect 2 "40 hex digits" "$sim" --model x --operator 0x12
expect 2 "is no option" "$sim" --model x surplus
expect 2 "has no platform" "$sim" --model x --platform other
expect 2 "no trusted execution environment" "$bin/aver-node" --model x
expect 2 "has no platform" "$bin/aver-node" --model x --platform "$key"
expect 1 "SIMULATED TEE: proves nothing" "$sim" --model "$dir/absent.gguf" --platform "$key"
: >"$dir/empty.gguf"
expect 1 "model.open" "$sim" --model "$dir/empty.gguf" --platform "$key"
head -c 100000 /dev/zero >"$dir/zero.gguf"
expect 1 "model.open" "$sim" --model "$dir/zero.gguf" --platform "$key"
expect 2 "tokens.open" "$sim" --model "$dir/zero.gguf" --platform "$key" --token-file "$dir/none"
printf 'short\n' >"$dir/tokens"
expect 2 "line 1 is no token" "$sim" --model "$dir/zero.gguf" --platform "$key" --token-file "$dir/tokens"

model=${AVER_TEST_MODEL:-}
[ -r "$model" ] || model=${AVER_SHARED:-/nonexistent}/models/stories15M-q8_0.gguf
if [ -r "$model" ]; then
    head -c 1000000 "$model" >"$dir/cut.gguf"
    expect 1 "model.open" "$sim" --model "$dir/cut.gguf" --platform "$key"
    expect 1 "node.listen" "$sim" --model "$model" --platform "$key" --listen tcp:192.0.2.1:1
    expect 1 "not started" "$sim" --model "$model" --platform "$key" --sim-engine /bin/false
else
    echo "SKIP: no story model; the cases that need one were left out"
fi
# Weights of a type whose bits depend on the batch: random ones, made here.
tokenizer=${AVER_MODELS:-/nonexistent}/llama2-tokenizer.bin
float="$dir/float.gguf"
if [ -r "$tokenizer" ]; then
    "$bin/aver-model-make" random 64,128,2,2,2,256,1 "$tokenizer" "$float" >/dev/null || failed=1
    expect 2 "Use --profile fast" "$sim" --model "$float" --platform "$key"
else
    echo "SKIP: no tokenizer of set-up to make a model outside the verified profile with"
fi
exit "$failed"
