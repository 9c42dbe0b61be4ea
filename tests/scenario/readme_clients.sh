#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The section "Existing clients" of README.md, line by line as it stands, but for the ports of this
# machine, and that node and proxy run beside.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
proxy=
trap '[ -z "$node" ] || kill "$node" 2>/dev/null
    [ -z "$proxy" ] || kill "$proxy" 2>/dev/null
    rm -rf "$top"' EXIT

port_of() {
    sed -n 's/.*"tcp:127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$1"
}

mkdir build
ln -s "$(cd "$bin" && pwd)" build/bin
node_start --listen tcp:127.0.0.1:0 --model-name stories15M
"$bin/aver" sim-root sim.key >sim.key.pub
"$bin/aver" policy pin --sim --program "$bin/aver-node-sim" --model "$model" -o policy.json
sed -n '/^## Existing clients/,/^## /s/^    //p' "$source/README.md" | sed '/^#/d' >lines
# Lines that go on are joined.
sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' \
    -e "s#127\.0\.0\.1:8000#127.0.0.1:$(port_of ready)#g" lines >here

# The proxy's own command serves until it is ended.
serve=$(grep '^build/bin/aver proxy' here)
# shellcheck disable=SC2086 # the words of the command
$serve --listen tcp:127.0.0.1:0 --ready-file proxy.ready >proxy.log 2>&1 &
proxy=$!
until [ -f proxy.ready ]; do
    kill -0 "$proxy" || { cat proxy.log; fail 'the proxy did not start'; exit 1; }
    sleep 0.1
done
{
    echo 'set -e'
    echo 'curl() { command curl --fail-with-body -sS "$@"; }'
    sed "/^build\/bin\/aver proxy/d; s#127\.0\.0\.1:8008#127.0.0.1:$(port_of proxy.ready)#g" here
} >script
if sh -x ./script >said 2>&1; then
    sed 's/^/  /' said | cut -c 1-160 | tail -n 5
else
    sed 's/^/  /' said | tail -n 30
    fail 'a command of README.md'
fi
for words in 'Aver-Verdict: accepted' '"object":"chat.completion"' ': aver-verdict accepted' \
    'data: \[DONE\]' '<title>aver proxy</title>' 'VERIFIED .* checks' '"object":"list"'; do
    grep -q -- "$words" said || fail "nothing in README.md's section says $words"
done
[ "$(grep -c '^ *curl' here)" -ge 4 ] || fail 'README.md has fewer examples of curl'
kill "$proxy"
wait "$proxy" || fail "the proxy ended with status $?"
proxy=
node_stop
exit "$failed"
