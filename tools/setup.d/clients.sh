# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/setup: clients of others that tests run unmodified, unpacked as Node.js wants them,
# and a browser for the second verifier. They are for tests alone, which say SKIP without them: that they
# cannot be had is not a failure.

clients_browser=chromium-headless-shell

# A folder for each set of pins, so that another pin never finds the former one's files.
clients_folder() {
    printf '%s/clients-%s\n' "$cache" "$(grep '^CLIENT' "$root/tools/pins" | sha256sum | cut -c 1-12)"
}

# client_unpack PACKAGE FOLDER EXCLUDE: its files, without the parts that only compilers read.
client_unpack() {
    client_name=${1%@*}
    mkdir -p "$2/node_modules/$client_name"
    tar xzf "$(package_file "$1")" -C "$2/node_modules/$client_name" --strip-components=1 \
        --exclude='*.map' --exclude='*.ts' --exclude='*.mts' --exclude="$3"
}

# clients_take PREFIX WORK EXCLUDE: every package of the pins that begin so; fails where one cannot
# be had.
clients_take() {
    rm -rf "$2"
    mkdir -p "$2"
    eval "clients_count=\$${1}S_COUNT clients_size=\$${1}S_SIZE"
    clients_i=1
    while [ "$clients_i" -le "$clients_count" ]; do
        eval "client_package=\$${1}_$clients_i client_hash=\$${1}_${clients_i}_SHA512"
        package_get "$client_package" "$client_hash" "of $clients_size in all" || return 1
        # Under another package, where that one wants a version of its own.
        eval "client_under=\${${1}_${clients_i}_UNDER:-}"
        client_unpack "$client_package" "$2${client_under:+/node_modules/$client_under}" "$3"
        clients_i=$((clients_i + 1))
    done
}

# Another verifier of Intel's quotes, for bench attest. Its sources are what runs.
dcap_folder() {
    printf '%s/dcap-%s\n' "$cache" "$(grep '^DCAP_' "$root/tools/pins" | sha256sum | cut -c 1-12)"
}

dcap_setup() {
    dcap_final=$(dcap_folder)
    [ -d "$dcap_final" ] && return 0
    if ! clients_take DCAP_CLIENT "$cache/dcap-work" '*.flow'; then
        say "$client_package cannot be downloaded: bench attest runs without its peer"
        return 0
    fi
    mv "$cache/dcap-work" "$dcap_final"
    say "verifier for bench attest: $dcap_final"
}

clients_packages_setup() {
    clients_final=$(clients_folder)
    if [ -d "$clients_final" ]; then
        return 0
    fi
    if ! clients_take CLIENT "$cache/clients-work" '*/src/*'; then
        say "$client_package cannot be downloaded: tests with other people's clients are skipped"
        return 0
    fi
    mv "$cache/clients-work" "$clients_final"
    say "clients for tests: $clients_final"
}

clients_browser_setup() {
    if command -v "$clients_browser" >/dev/null 2>&1 || command -v chromium >/dev/null 2>&1; then
        return 0
    fi
    if [ "$want_apt" = no ] || ! command -v apt-get >/dev/null 2>&1 ||
        { [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; }; then
        say "no browser is here ($clients_browser): the test in a browser is skipped"
        return 0
    fi
    say "no browser is here for the tests of web/verify"
    if packages_install "$clients_browser" "installing $clients_browser"; then
        say "  $clients_browser: $step_seconds s"
    else
        say "$packages_failed failed, see $cache/apt.log: the test in a browser is skipped"
    fi
}

clients_setup() {
    clients_browser_setup
    clients_packages_setup
}
