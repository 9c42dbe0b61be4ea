#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The npm client openai, unmodified: before a node over TLS, and through aver proxy.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
# shellcheck source=tests/support/client.sh
. "$source/tests/support/client.sh"

# openai URL CHECK...: the client's checks there.
openai() {
    client_url=$1
    shift
    client_run client_openai.mjs "$client_url/v1" story "$@" || fail "the client before $client_url"
}

# A second model, for vectors, of random weights.
"$bin/aver-model-make" bert 64,128,2,2,64,1 vectors.gguf >/dev/null || fail 'no model for vectors'
"$bin/aver" policy pin --sim --program "$bin/aver-node-sim" --model "$model" -o policy.json >/dev/null
node -e 'const fs = require("fs"), policy = JSON.parse(fs.readFileSync("policy.json"));
    policy.models.push(process.argv[1]); fs.writeFileSync("policy.json", JSON.stringify(policy));' \
    "$("$bin/aver" model root vectors.gguf | grep -o '[0-9a-f]\{64\}')" || fail 'no policy'
works='chat stream settings completions tools toolRunner jsonFormats turns embeddings responses
responseTools models errors aborts retries'
node_models=own
port_node --model "$model,name=story" --model "$top/vectors.gguf,name=vectors"
node_models=
trust
echo "directly: $url"
# shellcheck disable=SC2086 # the names are words
openai "$url" $works

"$bin/aver" proxy --url "$url" --policy policy.json --sim-root sim.key.pub --store capsules \
    --listen tcp:127.0.0.1:0 --ready-file proxy.ready >proxy.log 2>&1 &
proxy=$!
trap 'kill "$proxy" 2>/dev/null; [ -z "$node" ] || kill "$node" 2>/dev/null; rm -rf "$top"' EXIT
tries=0
while [ ! -f proxy.ready ] && [ $tries -lt 600 ] && kill -0 "$proxy" 2>/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
done
port=$(sed -n 's/.*tcp:127\.0\.0\.1:\([0-9]*\).*/\1/p' proxy.ready)
[ -n "$port" ] || { cat proxy.log; fail 'the proxy did not start'; exit 1; }
echo "through the proxy: port $port"
# shellcheck disable=SC2086 # the names are words
openai "http://127.0.0.1:$port" $works
kill "$proxy"
wait "$proxy" || fail "the proxy ended with status $?"
node_stop

# What the client got is proven, whatever it knew of that, and both verifiers say so. What it left
# or what was refused has a receipt too, in which the answer alone is not complete.
count=0
for capsule in capsules/*.capsule; do
    count=$((count + 1))
    "$bin/aver" verify --json "$capsule" --policy policy.json --sim-root sim.key.pub >one
    first=$?
    node "$source/web/verify/main.mjs" "$capsule" --policy policy.json --sim-root sim.key.pub --json >two
    second=$?
    for said in one two; do
        grep -o '"name":"[a-z.-]*","status":"FAIL"' "$said" | sort >"$said.failed"
    done
    cmp -s one.failed two.failed && [ "$first" = "$second" ] ||
        fail "$capsule: the verifiers disagree: $(cat one.failed two.failed)"
    # An answer that was left may have no step digest, which is receipt.class.
    grep -v '"receipt.class"' one.failed >three
    [ "$first" = 0 ] || [ "$(cat three)" = '"name":"receipt.finish","status":"FAIL"' ] ||
        fail "$capsule: $(cat one.failed)"
done
echo "$count capsules"
[ "$count" -ge 15 ] || fail 'too few capsules'

port_node --sim-engine "$bin/aver-script-engine"
trust
client_run client_script.mjs "$url/v1" story || fail 'the client before an engine with a script'
node_stop

port_node --slots 1 --queue 0
trust
openai "$url" busy
node_stop
echo 'a-token-of-this-client-alone-0123456789' >tokens
CLIENT_KEY=$(cat tokens)
export CLIENT_KEY
port_node --token-file tokens
trust
openai "$url" keys
node_stop
exit $failed
