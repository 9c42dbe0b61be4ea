#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The section "By hand" of README.md, line by line as it stands, but for three things: where the
# programs and the model are, which port of this machine the node has, and that it runs beside.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"

sed -n '/^## By hand/,/^## /s/^    //p' "$source/README.md" | sed '/^#/d' >lines
mkdir build
ln -s "$(cd "$bin" && pwd)" build/bin
sed "s#^cp ~/[^ ]*stories15M[^ ]* #cp $model #" lines >script
cmp -s lines script && fail 'README.md does not copy the model from the cache any more'

# The node's own command, which serves until it is ended, and what comes before it.
sed '/^build\/bin\/aver-node-sim/,$d' script >before
sed '1,/^build\/bin\/aver-node-sim/d' script >behind
serve=$(grep '^build/bin/aver-node-sim' script)
case $serve in
*\\) fail 'the command of the node has more than one line' ;;
esac
sh -e ./before || fail 'what comes before the node'
# shellcheck disable=SC2086 # the words of the command
$serve --listen tcp:127.0.0.1:0 --ready-file ready >node.log 2>&1 &
node=$!
tries=0
while [ ! -f ready ] && [ $tries -lt 600 ] && kill -0 "$node" 2>/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
done
port=$(sed -n 's/.*"tcp:127\.0\.0\.1:\([0-9]*\)".*/\1/p' ready)
[ -n "$port" ] || { cat node.log; fail 'the node did not start'; exit 1; }

# Each command is shown with what it says; the first that fails ends the script.
sed "s#127\.0\.0\.1:8000#127.0.0.1:$port#g" behind >commands
cat >wrapped <<'WRAP'
set -e
curl() { command curl --fail-with-body -sS "$@"; }
WRAP
cat commands >>wrapped
if sh -x ./wrapped >said 2>&1; then
    sed 's/^/  /' said | cut -c 1-160 | tail -n 5
else
    sed 's/^/  /' said | tail -n 30
    fail 'a command of README.md'
fi
for words in VERIFIED 'same digest' '"object":"chat.completion"'; do
    grep -qF -- "$words" said || fail "nothing in README.md's section says $words"
done
[ "$(grep -c '^ *curl' commands)" -ge 1 ] || fail 'README.md has no example of curl'
kill "$node"
wait "$node"
node=
exit $failed
