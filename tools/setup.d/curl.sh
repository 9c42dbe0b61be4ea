# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/setup: a small static libcurl for `make static`, from Debian's own source package
# (apt checks its signatures, the security patches are in), with OpenSSL and c-ares and no protocol but
# HTTP. Into a folder of the cache; its file "version" says which. Remove the folder to get a newer one.

# Options of its CMake build.
curl_flags='-DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF
-DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DENABLE_ARES=ON
-DCURL_ZLIB=OFF -DUSE_LIBIDN2=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_USE_LIBPSL=OFF -DENABLE_MANUAL=OFF
-DCURL_DISABLE_ALTSVC=ON -DCURL_DISABLE_COOKIES=ON -DCURL_DISABLE_DOH=ON -DCURL_DISABLE_HSTS=ON
-DCURL_DISABLE_NTLM=ON -DCMAKE_INSTALL_LIBDIR=lib'

curl_prefix() {
    printf '%s/curl-static-%s\n' "$cache" "$(printf '%s' "$curl_flags" | sha256sum | cut -c 1-12)"
}

# The machine's own lines for Debian, asked for sources; apt's state stays as it is.
curl_apt() {
    apt-get -q -o Dir::Etc::sourcelist="$curl_work/sources.list" \
        -o Dir::Etc::sourceparts="$curl_work/parts" -o Dir::State::lists="$curl_work/lists" "$@"
}

curl_sources() {
    mkdir -p "$curl_work/parts" "$curl_work/lists/partial" "$curl_work/source"
    sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$curl_work/sources.list" 2>/dev/null || true
    if [ -f /etc/apt/sources.list.d/debian.sources ]; then
        sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources \
            >"$curl_work/parts/debian.sources"
    fi
    step_run "$cache/curl.log" curl_apt update ||
        fail "apt cannot read the list of sources" "check /etc/apt/sources.list: Debian's lines are needed"
    cd "$curl_work/source"
    step_run "$cache/curl.log" curl_apt source curl ||
        fail "apt cannot download the source of curl" "read $cache/curl.log"
    cd "$root"
}

curl_setup() {
    curl_target=$(curl_prefix)
    if [ -f "$curl_target/version" ]; then
        return 0
    fi
    curl_work=$cache/curl-work
    rm -rf "$curl_work"
    mkdir -p "$curl_work"
    say "downloading and building a static libcurl from Debian's source (14 MB)"
    curl_sources
    curl_source=$(find "$curl_work/source" -maxdepth 1 -type d -name 'curl-*')
    # shellcheck disable=SC2086 # the flags are words
    step_run "$cache/curl.log" cmake -G Ninja -S "$curl_source" -B "$curl_work/build" $curl_flags \
        "-DCMAKE_C_FLAGS=-ffile-prefix-map=$curl_source=curl" "-DCMAKE_INSTALL_PREFIX=$curl_target" ||
        fail "libcurl cannot be configured" "read $cache/curl.log"
    step_run "$cache/curl.log" cmake --build "$curl_work/build" ||
        fail "libcurl cannot be built" "read $cache/curl.log"
    rm -rf "$curl_target"
    step_run "$cache/curl.log" cmake --install "$curl_work/build" ||
        fail "libcurl cannot be installed" "read $cache/curl.log"
    sed -n 's/^Version: //p' "$curl_work"/source/curl_*.dsc >"$curl_target/version"
    rm -rf "$curl_work"
    say "  libcurl $(cat "$curl_target/version"): built"
}
