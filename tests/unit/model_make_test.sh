#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# aver-model-make: well-formed small inputs convert to the same bytes each time; each malformed one is
# refused with status 1, a message, and no file left behind.
set -u
make=${AVER_BIN:?}/aver-model-make
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top" || exit 1
failed=0

# u32 VALUE...: little-endian words.
u32() {
    for value in "$@"; do
        printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((value & 255)) $((value >> 8 & 255)) \
            $((value >> 16 & 255)) $((value >> 24 & 255)))"
    done
}

# tokenizer COUNT: COUNT tokens of one letter.
tokenizer() {
    {
        u32 1
        count=0
        while [ "$count" -lt "$1" ]; do
            printf '\000\000\000\000\001\000\000\000a'
            count=$((count + 1))
        done
    } >tokenizer.bin
}

# checkpoint EXTRA DIM FF LAYERS HEADS KVHEADS VOCAB CONTEXT: all weights zero, EXTRA bytes too many.
checkpoint() {
    extra=$1
    shift
    { u32 "$@"; } >model.bin
    head=$(($1 / $4))
    kv=$((head * $5))
    layer=$((2 * $1 + 2 * $1 * $1 + 2 * $1 * kv + 3 * $1 * $2))
    vocab=${6#-}
    values=$((vocab * $1 + $3 * layer + $1 + $7 * head))
    if [ "$vocab" != "$6" ]; then
        values=$((values + vocab * $1))
    fi
    head -c $((4 * values + extra)) /dev/zero >>model.bin
}

refused() {
    what=$1
    shift
    rm -f out.gguf out.gguf.part
    "$make" "$@" 2>message
    status=$?
    if [ "$status" != 1 ] || [ ! -s message ] || [ -e out.gguf ] || [ -e out.gguf.part ]; then
        echo "FAIL: $what: status $status"
        cat message
        failed=1
    else
        echo "ok: refused: $what: $(head -n 1 message)"
    fi
}

accepted() {
    what=$1
    shift
    if "$make" "$@" && [ -s out.gguf ] && [ ! -e out.gguf.part ]; then
        echo "ok: $what"
    else
        echo "FAIL: $what"
        failed=1
    fi
}

tokenizer 300
checkpoint 0 8 16 2 2 1 300 8
accepted 'a checkpoint' llama2c model.bin tokenizer.bin out.gguf
cp out.gguf first.gguf
accepted 'a checkpoint again' llama2c model.bin tokenizer.bin out.gguf
cmp first.gguf out.gguf || failed=1
checkpoint 0 8 16 2 2 1 -300 8
accepted 'an output matrix of its own' llama2c model.bin tokenizer.bin out.gguf

checkpoint -1 8 16 2 2 1 300 8
refused 'one byte short' llama2c model.bin tokenizer.bin out.gguf
checkpoint 1 8 16 2 2 1 300 8
refused 'one byte long' llama2c model.bin tokenizer.bin out.gguf
for shape in '0 16 2 2 1 300 8' '8 0 2 2 1 300 8' '8 16 0 2 1 300 8' '8 16 2 3 1 300 8' \
    '8 16 2 2 3 300 8' '8 16 2 2 1 10 8' '8 16 2 2 1 300 0' '99999999 16 2 2 1 300 8' \
    '8 -1 2 2 1 300 8' '8 16 2000000000 2 1 300 8' '8 16 2 8 1 300 8' '8 16 2 2 1 300 2000000000'; do
    # shellcheck disable=SC2086 # words
    { u32 $shape && head -c 4096 /dev/zero; } >model.bin
    refused "shape $shape" llama2c model.bin tokenizer.bin out.gguf
done
head -c 27 /dev/zero >model.bin
refused 'a short header' llama2c model.bin tokenizer.bin out.gguf
refused 'no such file' llama2c absent.bin tokenizer.bin out.gguf
refused 'a folder' llama2c . tokenizer.bin out.gguf

checkpoint 0 8 16 2 2 1 300 8
tokenizer 299
refused 'one token too few' llama2c model.bin tokenizer.bin out.gguf
tokenizer 301
refused 'one token too many' llama2c model.bin tokenizer.bin out.gguf
tokenizer 300
printf 'x' >>tokenizer.bin
refused 'a byte after the tokens' llama2c model.bin tokenizer.bin out.gguf
{ u32 1 0 4294967295 && head -c 5000 /dev/zero; } >tokenizer.bin
refused 'a token of 4 GiB' llama2c model.bin tokenizer.bin out.gguf

tokenizer 300
accepted 'random weights' random 64,96,2,2,1,32,7 tokenizer.bin out.gguf
cp out.gguf first.gguf
accepted 'random weights again' random 64,96,2,2,1,32,7 tokenizer.bin out.gguf
cmp first.gguf out.gguf || failed=1
accepted 'another seed' random 64,96,2,2,1,32,8 tokenizer.bin out.gguf
if cmp -s first.gguf out.gguf; then
    echo 'FAIL: two seeds, one model'
    failed=1
fi
accepted 'quantisation' quantize first.gguf out.gguf q8_0
for spec in '' 64 64,96,2,2,1,32 64,96,2,2,1,32,x 64,96,2,2,1,32,7,8 -64,96,2,2,1,32,7 \
    64,96,2,2,1,99999999999999999999,7; do
    refused "specification '$spec'" random "$spec" tokenizer.bin out.gguf
done
refused 'an unknown type' quantize first.gguf out.gguf q99
refused 'no GGUF' quantize tokenizer.bin out.gguf q8_0
head -c 2000 first.gguf >short.gguf
refused 'a cut GGUF' quantize short.gguf out.gguf q8_0

accepted 'a model for vectors' bert 64,128,2,2,64,5 out.gguf
cp out.gguf vectors.gguf
accepted 'a model for vectors again' bert 64,128,2,2,64,5 out.gguf
cmp vectors.gguf out.gguf || failed=1
for spec in '' 64,128,2,2,64 60,128,2,2,64,5 64,100,2,2,64,5 64,128,2,3,64,5 64,128,0,2,64,5 \
    64,128,2,2,9000,5 64,128,2,2,64,x; do
    refused "specification '$spec'" bert "$spec" out.gguf
done
accepted 'an adapter' lora first.gguf 32,7 out.gguf
cp out.gguf adapter.gguf
accepted 'an adapter again' lora first.gguf 32,7 out.gguf
cmp adapter.gguf out.gguf || failed=1
accepted 'an adapter of another rank' lora first.gguf 8,7 out.gguf
for spec in '' 32 0,7 5000,7 32,x; do
    refused "specification '$spec'" lora first.gguf "$spec" out.gguf
done
refused 'an adapter for no model' lora tokenizer.bin 32,7 out.gguf
refused 'an adapter for an adapter' lora adapter.gguf 32,7 out.gguf
exit "$failed"
