# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/setup: the programs that the benches compare with, llama-server and
# llama-batched-bench, from the very sources and with the very flags of the library that we link. Their
# folder in the cache is named by what they are made of, and appears complete or not at all.

# Later options win: the flags of the library, then these. The server's web page would be downloaded.
peer_flags='-DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_UI=OFF'
peer_programs='llama-server llama-batched-bench'
# Raised whenever what is kept of the build changes.
peer_layout=1

peer_folder() {
    peer_key=$(printf '%s %s %s %s %s' "$LLAMA_TREE" "$LLAMA_FLAGS" "$peer_flags" "$peer_layout" \
        "$(uname -m)" | sha256sum | cut -c 1-12)
    printf '%s/llama-peer-%s-%s\n' "$cache" "$LLAMA_VERSION" "$peer_key"
}

peer_setup() {
    peer_target=$(peer_folder)
    if [ -d "$peer_target" ]; then
        return 0
    fi
    llama_cpu_check
    space_check 2000
    llama_work=$cache/peer-work
    rm -rf "$llama_work"
    mkdir -p "$llama_work/stage"
    llama_sources
    say "building llama-server $LLAMA_VERSION to compare with (once; 3 to 12 minutes)"
    unset SOURCE_DATE_EPOCH
    # shellcheck disable=SC2086 # the flags are words
    step_run "$cache/peer.log" cmake -G Ninja -S "$llama_work/src" -B "$llama_work/build" $LLAMA_FLAGS \
        $peer_flags || fail "llama-server cannot be configured" "read $cache/peer.log"
    # shellcheck disable=SC2086 # the programs are words
    step_run "$cache/peer.log" cmake --build "$llama_work/build" --target $peer_programs ||
        fail "llama-server cannot be built" "read $cache/peer.log"
    peer_seconds=$step_seconds
    for program in $peer_programs; do
        strip -o "$llama_work/stage/$program" "$llama_work/build/bin/$program" ||
            fail "$program is not where the build should put it" "read $cache/peer.log"
    done
    cp "$llama_work/src/LICENSE" "$llama_work/stage/"
    mv "$llama_work/stage" "$peer_target"
    rm -rf "$llama_work"
    say "  llama-server $LLAMA_VERSION: built in $peer_seconds s"
}
