#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Debian packages, built from this tree twice: the same bytes, complete, with the dependencies that
# the programs have, without errors of lintian; unpacked, their programs run and judge a saved answer.
set -u
LC_ALL=C
export LC_ALL
build=$(cd "${AVER_BIN:?}/.." && pwd)
source=${AVER_SOURCE:?}
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

for tool in dpkg-deb dpkg-shlibdeps dpkg-gencontrol; do
    command -v "$tool" >/dev/null || { echo "SKIP: no $tool"; exit 77; }
done
DEB_COMPRESSION='-Zgzip -z1'
export DEB_COMPRESSION
for run in one two; do
    "$source/tools/deb" "$build" "$top/$run" >"$top/log" 2>&1 || { cat "$top/log"; exit 1; }
done
[ "$(find "$top/one" -name '*.deb' | wc -l)" = 3 ] || fail "not three packages: $(ls "$top/one")"
for package in "$top"/one/*.deb; do
    cmp -s "$package" "$top/two/${package##*/}" || fail "${package##*/} has other bytes the second time"
    dpkg-deb -x "$package" "$top/root" || fail "dpkg-deb -x $package"
    dpkg-deb -f "$package" Maintainer Description >"$top/fields"
    [ -s "$top/fields" ] || fail "no fields in $package"
    dpkg-deb -c "$package" | awk '$2 != "root/root" { print "owner: " $0 } $1 ~ /^-.*w.$/ { print }' \
        >"$top/wrong"
    [ ! -s "$top/wrong" ] || fail "$(cat "$top/wrong")"
done
root=$top/root

# has PACKAGE PATH...: this package has these files.
has() {
    dpkg-deb -c "$top/one/$1"_*.deb | awk '{ print $6 }' | sed 's#^\./#/#' >"$top/list"
    name=$1
    shift
    for path in "$@"; do
        grep -qxF "$path" "$top/list" || fail "$name lacks $path"
    done
}
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
has aver /usr/bin/aver /usr/share/man/man1/aver.1.gz /usr/share/man/man1/aver-ask.1.gz \
    /usr/share/man/man5/aver-policy.5.gz /usr/share/bash-completion/completions/aver \
    /usr/share/zsh/vendor-completions/_aver /usr/share/fish/vendor_completions.d/aver.fish \
    /usr/lib/systemd/user/aver-proxy.service /usr/share/doc/aver/copyright \
    /usr/share/doc/aver/README.md /usr/share/doc/aver/docs/receipts.md
has aver-node /usr/bin/aver-node /usr/bin/aver-node-sim /etc/aver/node.conf \
    /lib/systemd/system/aver-node.service /usr/share/man/man8/aver-node.8.gz \
    /usr/share/man/man5/aver-node.conf.5.gz /usr/share/aver/grafana/aver-node.json
has libaver-dev "/usr/lib/$multiarch/libaver.a" "/usr/lib/$multiarch/pkgconfig/aver.pc" \
    /usr/include/aver/verify.h
for page in "$build"/man/*.[158]; do
    section=${page##*.}
    [ -e "$root/usr/share/man/man$section/${page##*/}.gz" ] || fail "no package has ${page##*/}"
done
[ "$(dpkg-deb -I "$top"/one/aver-node_*.deb conffiles)" = /etc/aver/node.conf ] || fail 'conffiles'
for wanted in aver:libc6 aver:libcurl4 aver:libssl3 aver-node:libseccomp2 aver-node:libevent \
    libaver-dev:libjansson-dev; do
    dpkg-deb -f "$top/one/${wanted%%:*}"_*.deb Depends | grep -q "${wanted#*:}" ||
        fail "${wanted%%:*} does not depend on ${wanted#*:}"
done

# As unpacked.
version=$(dpkg-deb -f "$top"/one/aver_*.deb Version)
[ "$("$root/usr/bin/aver" version)" = "aver $version" ] || fail "aver version is not $version"
for node in aver-node aver-node-sim; do
    [ "$("$root/usr/bin/$node" --version 2>/dev/null)" = "$node $version" ] || fail "$node --version"
done
golden=$source/tests/golden
judge() {
    "$root/usr/bin/aver" verify "$golden/$1.capsule" --policy "$golden/policy.json" \
        --sim-root "$golden/sim-root.hex" >"$top/out" 2>&1
}
judge whole || fail "$(cat "$top/out")"
if judge changed; then fail 'the packaged aver accepts a changed answer'; fi
if "$root/usr/bin/aver-node" --config "$root/etc/aver/node.conf" 2>"$top/err"; then
    fail 'the packaged settings start a node without a model'
fi
grep -q 'model FILE is missing' "$top/err" || fail "the packaged settings: $(cat "$top/err")"
grep -q '^ExecStart=/usr/bin/aver-node --config /etc/aver/node.conf$' \
    "$root/lib/systemd/system/aver-node.service" || fail 'ExecStart of the service'
for script in postinst prerm postrm; do
    dpkg-deb -I "$top"/one/aver-node_*.deb "$script" | sh -n || fail "$script of aver-node"
done

if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error "$top"/one/*.deb >"$top/lintian" 2>&1 ||
        fail "$(cat "$top/lintian")"
else
    echo 'SKIP: no lintian: what it says about the packages'
fi
ls -s --block-size=1 "$top/one"
exit "$failed"
