#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The static program (`make static`): it needs no shared library and no version of any C library, and
# in a root folder that holds nothing but itself and the reader's files it verifies, computes an answer
# again, and asks a node on loopback, by address, by the name localhost, and by one of /etc/hosts.
static=${AVER_STATIC_PROGRAM:-${AVER_BIN:?}/../static/aver}
if [ ! -x "$static" ]; then
    echo 'SKIP: no static program: make static'
    exit 77
fi
static=$(cd "$(dirname "$static")" && pwd)/${static##*/}
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
golden=$source/tests/golden

readelf -h "$static" | grep -q 'Type: *DYN' || fail 'it is loaded at one fixed address'
if readelf -lW "$static" | grep -q INTERP; then fail 'it asks for a loader'; fi
if readelf -dW "$static" | grep -q NEEDED; then fail "needs: $(readelf -dW "$static" | grep NEEDED)"; fi
if readelf -VW "$static" | grep -q 'GLIBC_'; then fail 'it needs versions of glibc'; fi
ldd "$static" 2>&1 | grep -Eq 'statically linked|not a dynamic' || fail "ldd: $(ldd "$static" 2>&1)"

# in_root WORDS...: aver in the empty root.
root=$top/root
mkdir "$root"
if [ "$(id -u)" = 0 ]; then
    in_root() { chroot "$root" /aver "$@"; }
else
    in_root() { unshare --user --map-root-user chroot "$root" /aver "$@"; }
fi
cp "$static" "$root/aver"
cp "$model" "$root/stories.gguf"
cp "$golden/policy.json" "$golden/sim-root.hex" "$golden/whole.capsule" "$golden/changed.capsule" "$root/"
if ! in_root version >out 2>err; then
    echo "SKIP: this machine lets nobody change the root: $(cat err)"
    exit "$failed"
fi
[ "$(cat out)" = "$("$bin/aver" version)" ] || fail "$(cat out)"

# want CODE WORDS...: ends with this code.
want() {
    code=$1
    shift
    in_root "$@" >out 2>err </dev/null
    got=$?
    [ "$got" = "$code" ] || fail "aver $*: exit $got, not $code: $(tail -n 3 out err)"
}
want 0 verify whole.capsule --policy policy.json --sim-root sim-root.hex
want 1 verify changed.capsule --policy policy.json --sim-root sim-root.hex

node_start --listen tcp:127.0.0.1:0
port=$(sed -n 's/.*"tcp:127\.0\.0\.1:\([0-9]*\)".*/\1/p' ready)
"$bin/aver" sim-root sim.key >"$root/root"
"$bin/aver" policy pin --sim --program "$bin/aver-node-sim" --model "$model" -o "$root/mine.json"
mkdir "$root/etc"
echo '127.0.0.1 node.test' >"$root/etc/hosts"
for host in 127.0.0.1 localhost node.test; do
    want 0 ask --url "https://$host:$port" --policy mine.json --sim-root root --max-tokens 8 \
        --save "$host.capsule" 'Once upon a time'
    [ -s out ] || fail "$host: no answer"
    want 0 verify "$host.capsule" --policy mine.json --sim-root root
    want 0 recheck "$host.capsule" --model stories.gguf
done
# A name that nobody knows is an error in words, not a crash.
want 4 ask --url "https://no-such-name.invalid:$port" --policy mine.json --sim-root root x
node_stop
ls -l --block-size=1 "$static" | awk '{ print "ok: " $5 " bytes" }'
exit "$failed"
