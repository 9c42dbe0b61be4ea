# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/setup: messages, long steps with a log, verified downloads.

say() {
    printf 'setup: %s\n' "$*"
}

# fail WHAT ADVICE
fail() {
    trap - EXIT
    printf 'setup: FAILED: %s\n' "$1" >&2
    printf 'setup: what to do: %s; then run it again, finished steps are kept\n' "$2" >&2
    exit 1
}

# For what no message foresaw.
trap 'status=$?; if [ "$status" != 0 ]; then
    printf "setup: FAILED with status %s; run it again, finished steps are kept\n" "$status" >&2
fi' EXIT

# step_run LOG COMMAND...: runs it with its output in LOG; every 15 s a line says how far it is.
step_run() {
    step_log=$1
    shift
    step_start=$(date +%s)
    "$@" >"$step_log" 2>&1 9>&- &
    step_pid=$!
    trap 'kill "$step_pid" 2>/dev/null || true; exit 130' INT TERM
    step_ticks=0
    while kill -0 "$step_pid" 2>/dev/null; do
        sleep 1
        step_ticks=$((step_ticks + 1))
        if [ $((step_ticks % 15)) = 0 ]; then
            say "  ... $(($(date +%s) - step_start)) s $(step_progress "$step_log")"
        fi
    done
    step_rc=0
    wait "$step_pid" || step_rc=$?
    trap - INT TERM
    step_seconds=$(($(date +%s) - step_start))
    if [ "$step_rc" != 0 ]; then
        printf 'setup: the last lines of %s:\n' "$step_log" >&2
        tail -n 25 "$step_log" >&2
    fi
    return "$step_rc"
}

# The newest [done/total] mark of ninja's or of cmake's output, if there is one.
step_progress() {
    tr '\r' '\n' <"$1" 2>/dev/null | sed -n 's/^\(\[[0-9]*\/[0-9]*\]\).*/\1/p' | tail -n 1
}

sha512_is() {
    [ -f "$1" ] && printf '%s  %s\n' "$2" "$1" | sha512sum -c --status 2>/dev/null
}

sha256_is() {
    [ -f "$1" ] && printf '%s  %s\n' "$2" "$1" | sha256sum -c --status 2>/dev/null
}

# package_file PACKAGE: where its tarball is kept.
package_file() {
    printf '%s/downloads/%s.tgz\n' "$cache" "$(printf '%s' "$1" | tr '@/' '--')"
}

# package_get PACKAGE SHA512 SIZE: through the registry client, as it is configured on this machine.
# Returns 1 when the package cannot be had; a package that is not the pinned one ends the set-up.
package_get() {
    package_target=$(package_file "$1")
    if sha512_is "$package_target" "$2"; then
        return 0
    fi
    say "downloading $1 ($3)"
    package_temp=$cache/downloads/.incoming
    rm -rf "$package_temp"
    mkdir -p "$package_temp"
    if ! step_run "$cache/downloads/npm.log" npm pack --loglevel=error --no-update-notifier \
        --ignore-scripts --pack-destination "$package_temp" "$1"; then
        rm -rf "$package_temp"
        return 1
    fi
    package_found=$(find "$package_temp" -name '*.tgz' | head -n 1)
    if [ -z "$package_found" ] || ! sha512_is "$package_found" "$2"; then
        rm -rf "$package_temp"
        fail "$1 from the registry is not the pinned package" "check 'npm config get registry'"
    fi
    mv "$package_found" "$package_target"
    rm -rf "$package_temp"
    say "  $1: $step_seconds s, hash as pinned"
}

# space_check MB: a full disk half-way is the least helpful of failures.
space_check() {
    space_free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
    if [ "${space_free:-0}" -lt "$1" ]; then
        fail "$cache has $space_free MB left, $1 MB are needed" "free some space or set AVER_CACHE"
    fi
}
