# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/newcomer and tools/deb-check: a bare Debian 12 in $root by debootstrap, nothing but
# the base system, and commands inside it. Root only. Uses fail WHAT from the script that sources it.

[ "$(id -u)" = 0 ] || fail "needs root (chroot)"
command -v debootstrap >/dev/null || fail "needs debootstrap: apt-get install debootstrap"

# The machine's own mirror, from either form of apt's sources.
bare_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null | sed -n 's/^\(URIs:\|deb \(\[[^]]*\] \)*\) *\([^ ]*\).*/\3/p' | head -n 1
}

# Only what reaches the network is taken over: apt's sources and transport, name lookup.
bare_configuration() {
    rm -f "$root/etc/apt/sources.list"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
        if [ -f "$file" ]; then
            cp "$file" "$root$file"
        fi
    done
    for file in $(grep -ls '^ *Acquire' /etc/apt/apt.conf.d/* || true); do
        cp "$file" "$root$file"
    done
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        cp /etc/ssl/certs/ca-certificates.crt "$root/etc/newcomer-ca.crt"
    fi
}

# bare_make LOG: once; the folder is kept.
bare_make() {
    if [ -f "$top/debian.ok" ]; then
        return 0
    fi
    rm -rf "$root"
    debootstrap --variant=minbase bookworm "$root" "$(bare_mirror)" >"$1" 2>&1 ||
        fail "debootstrap: see $1"
    bare_configuration
    : >"$top/debian.ok"
}

# bare_run ENVIRONMENT SCRIPT WORDS...: sh SCRIPT inside, in mounts of its own, which end with it.
bare_run() {
    # shellcheck disable=SC2016 # the inner shell expands its own
    unshare --mount --pid --fork --propagation private sh -c '
        root=$1 more=$2
        shift 2
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 125
        mount -t tmpfs tmpfs "$root/tmp" && mount -t tmpfs tmpfs "$root/run" || exit 125
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" $more \
            chroot "$root" sh "$@"
    ' bare "$root" "$@"
}
