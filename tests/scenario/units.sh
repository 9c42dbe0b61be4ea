#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The units of systemd, as installed: systemd finds nothing wrong, and its measure of exposure (0 is
# none, 100 all) stays below a threshold: 20 for the node; 65 for the proxy, whose manager is the
# user's own and cannot give it a file system of its own.
set -u
LC_ALL=C
export LC_ALL
build=${AVER_BIN:?}/..
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

cmake --install "$build" --prefix "$top/prefix" >"$top/log" 2>&1 || { cat "$top/log"; exit 1; }
node=$top/prefix/lib/systemd/system/aver-node.service
proxy=$top/prefix/lib/systemd/user/aver-proxy.service
for unit in "$node" "$proxy"; do
    [ -f "$unit" ] || fail "no $unit"
    if grep -q '@[a-z]*@' "$unit"; then fail "$unit has a place that nobody filled"; fi
    program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
    [ -x "$program" ] || fail "$unit starts $program, which is not there"
done
grep -q '^Type=notify$' "$node" || fail 'the service does not wait for READY=1'
[ -f "$top/prefix/etc/aver/node.conf" ] || fail 'no node.conf'
echo 'model = mine.gguf' >"$top/prefix/etc/aver/node.conf"
cmake --install "$build" --prefix "$top/prefix" >"$top/log" 2>&1 || fail 'a second install'
grep -q mine "$top/prefix/etc/aver/node.conf" || fail 'an install overwrote the settings'

if ! command -v systemd-analyze >/dev/null; then
    echo 'SKIP: no systemd-analyze: what it says about the units'
    exit "$failed"
fi
XDG_RUNTIME_DIR=$top
export XDG_RUNTIME_DIR
systemd-analyze verify --man=no "$node" >"$top/said" 2>&1 || fail "verify: $(cat "$top/said")"
[ ! -s "$top/said" ] || fail "verify: $(cat "$top/said")"
systemd-analyze verify --man=no --user "$proxy" >"$top/said" 2>&1 || fail "verify: $(cat "$top/said")"
[ ! -s "$top/said" ] || fail "verify: $(cat "$top/said")"
# The check itself can fail.
sed 's/^ProtectSystem=/ProtectSistem=/' "$node" >"$top/aver-wrong.service"
systemd-analyze verify --man=no "$top/aver-wrong.service" >"$top/said" 2>&1
grep -q ProtectSistem "$top/said" || fail "verify does not see a wrong name: $(cat "$top/said")"
exposure() {
    systemd-analyze security --no-pager --offline=true --threshold="$2" "$1" >"$top/said" 2>&1 ||
        fail "$1 is exposed beyond $2: $(tail -n 1 "$top/said")"
    tail -n 1 "$top/said"
}
exposure "$node" 20
exposure "$proxy" 65
exit "$failed"
