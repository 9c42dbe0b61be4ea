#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fifty capsules, made several at once by nodes of random threads, slots and batches, from random
# prompts, lengths, temperatures and seeds: each must re-check bit for bit, with other threads than
# those that made it. Then a lying engine: its capsules verify, and a re-check names the place.
# AVER_SEED gives other random choices; the one in use is printed.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
nodes=5
waves=2
at_once=5
cores=$(nproc)
seed=${AVER_SEED:-21}
state=$seed
echo "seed $seed"

# random BELOW: the next number, in $r.
random() {
    state=$(((state * 1103515245 + 12345) % 2147483648))
    r=$(((state >> 8) % $1))
}

# Threads from 1 to 3, in $threads: more than one is rare, since they spin while they wait for each
# other, which is slow where there are fewer cores. So nodes have no more than there are cores.
random_threads() {
    random "$1"
    case $r in
    0) threads=3 ;;
    1 | 2) threads=2 ;;
    *) threads=1 ;;
    esac
}

head -c 32 /dev/urandom >sim.key
"$bin/aver" sim-root sim.key >sim.root || exit 1
"$bin/aver" policy pin --sim --program "$bin/aver-node-sim" --model "$model" --name test \
    -o policy.json >pin.log || exit 1

# One prompt a line; the third is longer than the smallest batch, so that it is read in pieces.
long='There was a house in the wood where nobody lived, but every night the people of'
long="$long the village saw a light in its window. So one evening the bravest of the"
long="$long children, a girl called Mia, took her lamp and"
cat >prompts <<END
Once upon a time
The big dog
$long
One day, a little boy named Tim
Lily and Tom went to the park. They
été
A
END

# ask NUMBER: a random question in the background; its words go to NUMBER.out and .err.
ask() {
    random 7
    prompt=$(sed -n "$((r + 1))p" prompts)
    random 4
    set -- "$1" "$(echo '0 0.5 1 1.7' | cut -d' ' -f$((r + 1)))"
    random "$tokens_max"
    tokens=$((r + 1))
    random 1000000
    number=$1
    temperature=$2
    set -- -n "$tokens" --temperature "$temperature" --seed "$r"
    random 2
    [ "$r" = 0 ] || set -- "$@" --completion
    echo "$* '$prompt'" >"$number.asked"
    "$bin/aver" ask --unix node.sock -p policy.json --sim-root sim.root --save "$number.capsule" \
        "$@" "$prompt" >"$number.out" 2>"$number.err" &
}

count=0
wave() {
    started=
    for _ in $(seq "$at_once"); do
        count=$((count + 1))
        ask "$count"
        started="$started $!"
    done
    number=$((count - at_once))
    for pid in $started; do
        number=$((number + 1))
        wait "$pid" || fail "question $number: $(cat "$number.asked" "$number.err")"
    done
}

for round in $(seq "$nodes"); do
    random_threads 6
    [ "$threads" -le "$cores" ] || threads=$cores
    random 6
    slots=$((r + 1))
    random 5
    batch=$(echo '16 24 64 200 512' | cut -d' ' -f$((r + 1)))
    tokens_max=$((36 / threads))
    echo "node $round: $threads threads, $slots slots, batch $batch"
    node_start --threads "$threads" --slots "$slots" --batch "$batch"
    for _ in $(seq "$waves"); do
        wave
    done
    node_stop
done

same=0
for number in $(seq "$count"); do
    random_threads 36
    if "$bin/aver" recheck "$number.capsule" --model "$model" --threads "$threads" -p policy.json \
        --sim-root sim.root >out 2>err && grep -q '^same digest' out; then
        same=$((same + 1))
    else
        fail "capsule $number ($(cat "$number.asked")), $threads threads: $(cat out err)"
    fi
done
echo "$same of $count capsules re-check bit for bit"
[ "$same" = 50 ] || fail 'not 50'

# The engine lies at step 5 of every answer; the keeper that signs it is genuine.
node_start --threads 1 --sim-engine "$bin/aver-hostile-engine"
for temperature in 0 1; do
    "$bin/aver" ask --unix node.sock -p policy.json --sim-root sim.root --completion -n 12 --seed 3 \
        --temperature "$temperature" --save lie.capsule 'Once upon a time' >out 2>err ||
        fail "the lying node was refused: $(cat err)"
    "$bin/aver" verify lie.capsule -p policy.json --sim-root sim.root >out 2>&1 ||
        fail "the lie is not signed well: $(cat out)"
    "$bin/aver" recheck lie.capsule --model "$model" --threads 1 >out 2>err
    status=$?
    [ "$status" = 1 ] || fail "recheck of a lie ended with $status"
    grep -q 'first wrong token at position 5' out || fail "the lie is not found where it is: $(cat out)"
done
node_stop
exit "$failed"
