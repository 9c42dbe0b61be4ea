# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/setup: llama.cpp from its pinned release, static, into a folder of the cache that is
# named by version and by how it is built. The folder appears complete or not at all.

# Raised whenever what is installed beside llama.cpp's own files changes.
llama_layout=1

llama_prefix() {
    llama_key=$(printf '%s %s %s %s' "$LLAMA_TREE" "$LLAMA_FLAGS" "$llama_layout" "$(uname -m)" |
        sha256sum | cut -c 1-12)
    printf '%s/llama-%s-%s\n' "$cache" "$LLAMA_VERSION" "$llama_key"
}

llama_cpu_check() {
    if [ "$(uname -m)" != x86_64 ]; then
        fail "llama.cpp is pinned to x86-64 with AVX2; this is $(uname -m)" "use an x86-64 machine"
    fi
    for flag in avx2 fma f16c bmi2; do
        if ! grep -qw "$flag" /proc/cpuinfo; then
            fail "this processor has no $flag, which the pinned build of llama.cpp uses" \
                "use an x86-64-v3 machine (2015 or later)"
        fi
    done
}

llama_sources() {
    package_get "$LLAMA_PACKAGE" "$LLAMA_PACKAGE_SHA512" "$LLAMA_PACKAGE_SIZE" ||
        fail "cannot download $LLAMA_PACKAGE" "check the network and 'npm config get registry'"
    tar xzf "$(package_file "$LLAMA_PACKAGE")" -C "$llama_work" package/llama/gitRelease.bundle ||
        fail "cannot unpack $LLAMA_PACKAGE" "check the space in $cache"
    git -c advice.detachedHead=false clone -q \
        "$llama_work/package/llama/gitRelease.bundle" "$llama_work/src" \
        2>"$cache/llama.log" || fail "cannot unpack llama.cpp's bundle" "read $cache/llama.log"
    llama_tree=$(git -C "$llama_work/src" rev-parse 'HEAD^{tree}')
    if [ "$llama_tree" != "$LLAMA_TREE" ]; then
        fail "llama.cpp's tree is $llama_tree, not the pinned one" "do not build it; report this"
    fi
}

# Headers and archives of its C++ helpers (chat templates), which its own install leaves out.
llama_extras() {
    llama_to=$llama_work/stage$llama_target
    mkdir -p "$llama_to/include/llama-common/jinja" "$llama_to/include/llama-common/parsers" \
        "$llama_to/include/llama-common/nlohmann"
    cp "$llama_work"/src/common/*.h "$llama_work"/src/common/*.hpp "$llama_to/include/llama-common/"
    cp "$llama_work"/src/common/jinja/*.h "$llama_to/include/llama-common/jinja/"
    cp "$llama_work"/src/common/parsers/*.h "$llama_to/include/llama-common/parsers/"
    cp "$llama_work"/src/vendor/nlohmann/*.hpp "$llama_to/include/llama-common/nlohmann/"
    for archive in common/libllama-common.a common/libllama-common-base.a vendor/hash/libvendor-hash.a \
        vendor/cpp-httplib/libcpp-httplib.a; do
        cp "$llama_work/build/$archive" "$llama_to/lib/"
    done
    cp "$llama_work/src/LICENSE" "$llama_to/LICENSE"
}

llama_setup() {
    llama_target=$(llama_prefix)
    if [ -f "$llama_target/lib/libllama.a" ]; then
        return 0
    fi
    llama_cpu_check
    space_check 1500
    llama_work=$cache/llama-work
    rm -rf "$llama_work"
    mkdir -p "$llama_work"
    llama_sources
    say "building llama.cpp $LLAMA_VERSION (once; 1 to 7 minutes)"
    # Its defaults change with SOURCE_DATE_EPOCH; asserts would carry the path of the cache.
    unset SOURCE_DATE_EPOCH
    llama_map="-ffile-prefix-map=$llama_work/src=llama.cpp"
    # shellcheck disable=SC2086 # the flags are words
    step_run "$cache/llama.log" cmake -G Ninja -S "$llama_work/src" -B "$llama_work/build" $LLAMA_FLAGS \
        "-DCMAKE_C_FLAGS=$llama_map" "-DCMAKE_CXX_FLAGS=$llama_map" "-DCMAKE_INSTALL_PREFIX=$llama_target" ||
        fail "llama.cpp cannot be configured" "read $cache/llama.log"
    step_run "$cache/llama.log" cmake --build "$llama_work/build" ||
        fail "llama.cpp cannot be built" "read $cache/llama.log"
    llama_seconds=$step_seconds
    DESTDIR=$llama_work/stage step_run "$cache/llama.log" cmake --install "$llama_work/build" ||
        fail "llama.cpp cannot be installed" "read $cache/llama.log"
    llama_extras || fail "llama.cpp's headers cannot be copied" "check the space in $cache"
    rm -rf "$llama_target"
    mv "$llama_work/stage$llama_target" "$llama_target"
    rm -rf "$llama_work"
    say "  llama.cpp $LLAMA_VERSION: built in $llama_seconds s"
}
