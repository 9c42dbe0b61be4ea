# SPDX-License-Identifier: Apache-2.0
# Sourced by scenarios in shell: the programs in $bin, the story model in $model (or SKIP), an empty
# folder $top to work in, which goes at the end, and one node at a time. `exit $failed` is the last line.
set -u
LC_ALL=C
export LC_ALL
bin=${AVER_BIN:?}
source=${AVER_SOURCE:?}
model=${AVER_TEST_MODEL:-}
[ -r "$model" ] || model=${AVER_SHARED:-$source/../shared}/models/stories15M-q8_0.gguf
if [ ! -r "$model" ]; then
    echo 'SKIP: the story model is not here'
    exit 77
fi
top=$(mktemp -d)
node=
trap '[ -z "$node" ] || kill "$node" 2>/dev/null; rm -rf "$top"' EXIT
cd "$top" || exit 1
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

# node_start OPTIONS...: serves on $top/node.sock, by the simulator's key in $top/sim.key. The model
# is "story", unless node_models=own: then the options say which.
node_start() {
    rm -f ready
    [ "${node_models:-}" = own ] || set -- --model "$model" --model-name story "$@"
    "$bin/aver-node-sim" --listen "unix:$top/node.sock" \
        --platform "sim:key=$top/sim.key" --ready-file ready "$@" >node.log 2>&1 &
    node=$!
    tries=0
    while [ ! -f ready ] && [ $tries -lt 600 ] && kill -0 "$node" 2>/dev/null; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ -f ready ] || {
        cat node.log
        fail 'the node did not start'
        exit 1
    }
}

node_stop() {
    kill "$node"
    wait "$node" || fail "the node ended with status $?"
    node=
}
