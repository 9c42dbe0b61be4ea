#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `aver completion` writes, in real shells: every command and every option that help shows is
# proposed and nothing else; values and operands that are files complete as files.
set -u
bin=${AVER_BIN:?}
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top" || exit 1
failed=0
count=0

fail() {
    echo "FAIL: $*"
    failed=1
}

for shell in bash zsh fish; do
    "$bin/aver" completion "$shell" >"completion.$shell" || fail "aver completion $shell"
done
if "$bin/aver" completion csh 2>err; then fail 'a shell that nobody knows is accepted'; fi
grep -q 'bash, zsh and fish' err || fail "csh: $(cat err)"

# Inside bash, as its readline calls the function.
# shellcheck source=/dev/null
. ./completion.bash || exit 1
proposed() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _aver 2>>err.bash
    printf '%s\n' "${COMPREPLY[@]}" | sort
}
same() {
    count=$((count + 1))
    diff <(sort -u wanted) <(printf '%s\n' "$found" | sort) >difference ||
        fail "$*: $(tr '\n' ' ' <difference)"
}
is() {
    printf '%s\n' $1 >wanted
    shift
    found=$(proposed "$@")
    same "$@"
}

"$bin/aver" help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)   *[a-z].*/\1/p' >commands
[ "$(wc -l <commands)" -gt 10 ] || fail 'aver help names no commands'
is "help version $(cut -d ' ' -f 1 commands | sort -u | tr '\n' ' ')" aver ''
for first in $(sed -n 's/ .*//p' commands | sort -u); do
    [ "$(grep -c "^$first " commands)" -gt 0 ] || continue
    is "$(sed -n "s/^$first //p" commands)" aver "$first" ''
    is "$(sed -n "s/^$first //p" commands)" aver help "$first" ''
done
while IFS= read -r command; do
    # shellcheck disable=SC2086 # a command may have two words
    "$bin/aver" help $command | sed -n 's/^  \(-.,\|   \) --\([a-z0-9-]*\).*/--\2/p' >options
    # shellcheck disable=SC2086
    is "--help $(tr '\n' ' ' <options)" aver $command --
done <commands
for node in aver-node aver-node-sim; do
    [ -x "$bin/$node" ] || continue
    "$bin/$node" --help 2>/dev/null | sed -n 's/^  --\([a-z0-9-]*\).*/--\1/p' |
        grep -v '^--sim-engine$' >options
    is "--help $(tr '\n' ' ' <options)" "$node" --
done

: >answer.capsule
: >answer.gguf
mkdir answers
is '--explain' aver verify --ex
is 'answer.capsule answer.gguf answers' aver verify ans
is 'answer.gguf' aver recheck --model answer.g
is 'answer.gguf' aver recheck --model = answer.g
is 'answer.capsule' aver ask --save answer.c
is '' aver ask --url answer.c
is 'answers' aver demo --keep answ
is 'verified fast' aver-node --profile ''
is 'fast' aver-node --profile = f
is 'bash' aver completion ba
is '' aver nonsense ''
[ ! -s err.bash ] || fail "bash said: $(head -3 err.bash)"

# Typed at a prompt: TAB completes command, option and file.
# typed SHELL COMMAND: runs the interactive shell COMMAND with the keys of the file typed.
typed() {
    if ! command -v script >/dev/null || ! command -v "$1" >/dev/null; then
        echo "SKIP: no script or no $1: completion at its prompt"
        return
    fi
    script -qec "$2" /dev/null <keys 2>&1 | tr -d '\r' >said
    grep -q 'GOT:verify --explain answer.capsule *$' said ||
        fail "$1 at a prompt: $(tail -n 5 said | cat -v)"
    count=$((count + 1))
}
# shellcheck disable=SC2016
got='aver() { printf "GOT:%s\n" "$*"; }'
printf '%s\n' "PS1=; bind 'set enable-bracketed-paste off'; . ./completion.bash; $got" >rc
printf 'aver veri\t--expl\t answer.c\t\nexit\n' >keys
typed bash 'bash --noprofile --rcfile rc -i'
mkdir zsh
cp completion.zsh zsh/_aver
printf '%s\n' "fpath=($top/zsh \$fpath); autoload -Uz compinit; compinit -u -D; $got" >rc
printf '. ./rc\naver veri\t--expl\t answer.c\t\nexit\n' >keys
typed zsh 'zsh -f -i'

if command -v fish >/dev/null; then
    fish_is() {
        printf '%s\n' $2 >wanted
        found=$(HOME=$top fish -c "source completion.fish; complete -C '$1'" 2>err | cut -f 1)
        same "fish: $1"
        [ ! -s err ] || fail "fish said: $(head -3 err)"
    }
    fish_is 'aver veri' verify
    fish_is 'aver policy ' "$(sed -n 's/^policy //p' commands)"
    fish_is 'aver help policy p' pin
    fish_is 'aver verify --ex' --explain
    fish_is 'aver verify answer.c' answer.capsule
    fish_is 'aver-node-sim --profile ' 'fast verified'
else
    echo 'SKIP: no fish: its completion'
fi
echo "ok: $count completions"
exit "$failed"
