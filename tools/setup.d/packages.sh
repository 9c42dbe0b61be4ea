# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/setup: the system's packages, without recommended ones.

packages_list='build-essential cmake ninja-build git pkg-config ca-certificates curl openssl procps xz-utils
libssl-dev libsecp256k1-dev libjansson-dev libevent-dev libcurl4-openssl-dev libseccomp-dev
libcmocka-dev libcbor-dev'
packages_static='libc-ares-dev dpkg-dev'
packages_clang='clang libclang-rt-14-dev clang-format clang-tidy'

packages_missing() {
    packages_wanted=$packages_list
    if [ "$want_clang" = yes ]; then
        packages_wanted="$packages_wanted $packages_clang"
    fi
    if [ "$want_static" = yes ]; then
        packages_wanted="$packages_wanted $packages_static"
    fi
    for package in $packages_wanted; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            printf '%s ' "$package"
        fi
    done
    # Node.js may come from elsewhere. Its client downloads; it runs the second verifier's tests.
    if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
        printf 'nodejs npm '
    fi
}

packages_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
    fi
}

# packages_install NAMES WORDS: downloads and installs them, with their size said before. Returns 1 with
# what failed in packages_failed.
packages_install() {
    packages_failed='apt-get update'
    step_run "$cache/apt.log" packages_root apt-get -q update || return 1
    # shellcheck disable=SC2086 # the names are words
    packages_size=$(packages_root apt-get -q --print-uris -y --no-install-recommends install $1 \
        2>/dev/null | awk '/^.[a-z]*:/ { s += $3 } END { if (s) printf "%.0f MB", s / 1e6 }')
    say "downloading and $2 ${packages_size:+($packages_size)}"
    packages_failed='apt-get install'
    # shellcheck disable=SC2086 # the names are words
    step_run "$cache/apt.log" packages_root apt-get -q -y --no-install-recommends install $1
}

packages_setup() {
    if [ "$want_apt" = no ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        fail "this is not a Debian system (no apt-get)" \
            "install the counterparts of: $packages_list nodejs npm; and pass --no-apt"
    fi
    packages_now=$(packages_missing)
    if [ -z "$packages_now" ]; then
        return 0
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
        fail "packages are missing and this is neither root nor has sudo: $packages_now" \
            "as root: apt-get install --no-install-recommends $packages_now"
    fi
    say "system packages missing: $packages_now"
    packages_install "$packages_now" 'installing them' || fail "$packages_failed" \
        "check the network and /etc/apt, read $cache/apt.log"
    say "  system packages: $step_seconds s"
}
