#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program aver against a running aver-node-sim: each command, each exit code, and the help.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
count=0

fail() {
    echo "FAIL: $*"
    sed 's/^/    out: /' out | tail -n 12
    sed 's/^/    err: /' err | tail -n 12
    failed=1
}

# run CODE WORDS...: aver with these words ends with this code.
run() {
    want=$1
    shift
    count=$((count + 1))
    "$bin/aver" "$@" >out 2>err </dev/null
    got=$?
    [ "$got" = "$want" ] || fail "aver $*: exit $got, not $want"
}

# has FILE TEXT, lacks FILE TEXT
has() {
    grep -qF -- "$2" "$1" || fail "'$2' is not in $1"
}

lacks() {
    if grep -qF -- "$2" "$1"; then fail "'$2' is in $1"; fi
}

# Help: every command, against the golden text.
help_all() {
    "$bin/aver" help | sed 's/^aver [0-9][0-9.]*:/aver VERSION:/'
    "$bin/aver" help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)   *[a-z].*/\1/p' >commands
    while IFS= read -r command; do
        printf -- '-- %s\n' "$command"
        # shellcheck disable=SC2086 # a command may have two words
        "$bin/aver" help $command
    done <commands
}
help_all >help.txt
: >out
: >err
if [ "${1:-}" = --write ]; then
    cp help.txt "$source/tests/golden/cli_help.exp"
elif ! cmp -s help.txt "$source/tests/golden/cli_help.exp"; then
    diff "$source/tests/golden/cli_help.exp" help.txt | head -20
    fail 'the help is not that of tests/golden/cli_help.exp (tests/scenario/cli_test.sh --write)'
fi
[ "$(grep -c '^-- ' help.txt)" -ge 17 ] || fail 'the help does not name all commands'
run 0 ask --help
has out 'usage: aver ask'
"$bin/aver" help ask >help-ask.txt
cmp -s out help-ask.txt || fail 'aver ask --help is not aver help ask'

# The command line.
run 2
run 2 nonsense
has err 'no command of aver'
run 2 ask
run 2 ask one two
run 2 ask --nonsense prompt
has err 'unknown option --nonsense'
run 2 ask prompt
has err 'a policy is needed'
run 2 policy
has err 'policy pin'
run 2 recheck x.capsule
has err '--model'
run 0 checks
has out 'channel.tls'
run 0 checks --json
has out '{"name":"receipt.stream"'

# The reader's own files.
run 2 policy pin --program "$bin/aver-node-sim" --model "$model"
has err '--sim'
run 0 policy pin --sim --program "$bin/aver-node-sim" --model "$model" --name test -o policy.json
has policy.json '"profiles": ["verified"]'
run 0 policy pin --sim --program "$bin/aver-node-sim" --model "$model" --fast -o fast.json
lacks fast.json 'profiles'
run 4 policy pin --sim --program "$top/absent" --model "$model"
echo 'not a model' >bad.gguf
run 2 policy pin --sim --program "$bin/aver-node-sim" --model bad.gguf
# Several models, one of them twice: each root once.
"$bin/aver-model-make" bert 64,128,2,2,64,1 vectors.gguf >/dev/null || fail 'no model for vectors'
run 0 policy pin --sim --program "$bin/aver-node-sim" -m "$model" -m vectors.gguf --model "$model" \
    -o two.json
[ "$(grep -cE '^    "[0-9a-f]{64}"' two.json)" = 2 ] || fail 'not two models in the policy'
run 0 model root vectors.gguf
has two.json "\"$(grep -oE '^[0-9a-f]{64}' out | head -n 1)\""
run 2 policy pin --sim --program "$bin/aver-node-sim" -m "$model" -m vectors.gguf --lora some.gguf
has err '--lora goes with one --model'
run 4 policy pin --sim --program "$bin/aver-node-sim" -m "$model" -m absent.gguf
run 1 policy lint policy.json
has out 'simulator'
printf '{"version":1,"name":"x","platforms":["snp"],"measurements":[{"platform":"snp","measurement":"%096d"}],
"models":["%064d"],"configs":["%064d"],"profiles":["verified"]}' 1 2 3 >clean.json
run 0 policy lint clean.json
has out 'no warnings'
run 0 policy explain policy.json
has out 'sim'
echo '{"version":1,"name":"x","nonsense":1}' >bad.json
run 2 policy lint bad.json
run 0 model root "$model"
has out 'verified: answers can be re-checked'
root=$(head -n 1 out)
has policy.json "$root"
run 1 model root bad.gguf
run 4 model root absent.gguf
run 0 model root "$model" --json
has out "\"root\":\"$root\""

# A node.
head -c 32 /dev/urandom >sim.key
run 0 sim-root sim.key
cp out sim.root
run 2 sim-root sim.root
has err 'it has 65 bytes, not 32'
echo 'a-token-of-the-test' >token
start() {
    node_start --listen tcp:127.0.0.1:0 "$@"
    url=https://$(sed 's/.*"tcp:\([0-9.:]*\)".*/\1/' ready)
}
start

# ask CODE WORDS...: over TLS, by the good policy.
ask() {
    code=$1
    shift
    run "$code" ask --url "$url" --policy policy.json --sim-root sim.root "$@"
}

# A good question.
ask 0 --completion -n 24 --seed 5 --save good.capsule 'Once upon a time'
has err 'VERIFIED'
has err 'SIMULATED'
[ -s out ] || fail 'no text came'
cp out good.txt
ask 0 --completion -n 24 --seed 5 --json 'Once upon a time'
has out '"accepted":true'
has out '"prompt_sent":true'
unix='--unix node.sock -p policy.json --sim-root sim.root'
# shellcheck disable=SC2086 # words
run 0 ask $unix --completion -n 24 --seed 5 -v 'Once upon a time'
cmp -s out good.txt || fail 'one seed gave two answers'
has err 'PASS  channel.seal'
has err 'PASS  receipt.seed'
has err 'SKIP  node.id'
# shellcheck disable=SC2086
echo 'Once upon a time' | "$bin/aver" ask $unix --completion -n 4 - >out 2>err ||
    fail 'a prompt from standard input'
ask 0 -n 4 --system 'Be kind.' --temperature 0 'Hello'

# What the node or the line cannot do.
ask 5 --model other --completion x
has err 'no model named other'
run 4 ask --url https://127.0.0.1:1 -p policy.json --sim-root sim.root x
run 4 ask --unix absent.sock -p policy.json --sim-root sim.root x
ask 2 --temperature 9 x
ask 2 --max-tokens 0 x
ask 2 --timeout 0 x
run 2 ask --url "$url" -p policy.json --sim-root policy.json x
printf '\377' >bytes
ask 2 "$(cat bytes)"

# A node by its id; a token that would travel in the clear.
run 0 attest fetch --url "$url" -o node.bundle
run 0 attest show node.bundle
id=$(sed -n 's/^node_id  *//p' out)
run 0 ask --url "$url/n/$id" -p policy.json --sim-root sim.root -v --completion -n 4 x
has err 'PASS  node.id'
run 5 ask --url "$url/n/$(printf %064d 7)" -p policy.json --sim-root sim.root x
run 2 ask --url "$url/n/alpha" -p policy.json --sim-root sim.root x
has err 'node id of 64 hex digits'
run 2 attest fetch --url "$url/n/alpha" -o absent.bundle
run 2 policy pin --url gopher://127.0.0.1
run 2 ask --url "http${url#https}" --token-file token -p policy.json --sim-root sim.root x
has err 'never sent without TLS'
run 4 ask --url "http${url#https}" -p policy.json --sim-root sim.root x
has err 'speaks https:// only'
run 2 ask --url "${url#https://}" -p policy.json --sim-root sim.root x
has err 'https://HOST:PORT'
run 2 ask --url "$url/v1" -p policy.json --sim-root sim.root x
has err 'leave out /v1'

# What could not be saved is not asked.
ask 4 --save absent/x.capsule x
has err 'absent/x.capsule cannot be written'
[ ! -s out ] || fail 'an answer came that cannot be saved'

# Policies that must refuse the node, each by its check, the prompt unsent.
refuse() {
    run 1 ask --url "$url" -p "$2" ${3:+--sim-root "$3"} --completion 'Once upon a time'
    has err "FAIL  $1"
    has err 'The prompt was not sent'
    has err '  mend  '
    [ -s out ] && fail "text came from a node that was refused by $1"
}
refuse platform.root policy.json
head -c 32 /dev/urandom >other.key
run 0 sim-root other.key
cp out other.root
refuse platform.root policy.json other.root
sed 's/"platforms": \["sim"\]/"platforms": ["tdx"]/' policy.json >hardware.json
refuse platform.allowed hardware.json sim.root
sed "s/$root/$(printf %064d 0)/" policy.json >model.json
refuse model.allowed model.json sim.root
sed 's/\("program": "\)......../\100000000/' policy.json >program.json
refuse measurement.allowed program.json sim.root
sed 's/"version": 1,/"version": 1, "min_tcb": 9,/' policy.json >tcb.json
refuse tcb.min tcb.json sim.root

run 1 ask --url "$url" -p hardware.json --sim-root sim.root --json 'Once upon a time'
has out '"prompt_sent":false'
has out '"accepted":false'

# The saved answer.
run 0 verify good.capsule --policy policy.json --sim-root sim.root
has out 'PASS  receipt.response'
has out 'VERIFIED'
run 0 verify good.capsule -p policy.json --sim-root sim.root --explain
has out 'means'
has out 'What a verdict does not claim'
run 0 verify good.capsule -p policy.json --sim-root sim.root --json
has out '"accepted":true'
run 1 verify good.capsule -p hardware.json --sim-root sim.root
has out 'REFUSED platform.allowed'
run 1 verify good.capsule -p policy.json
run 2 verify good.capsule
run 4 verify absent.capsule -p policy.json
run 1 verify policy.json -p policy.json --sim-root sim.root
has out '  mend  get the file again'
run 1 verify policy.json -p policy.json --sim-root sim.root --quiet
[ "$(wc -l <out)" = 1 ] || fail '--quiet prints more than the last line'
run 0 capsule show good.capsule
has out 'not verified'
run 0 receipt show good.capsule
has out "$root"
run 0 receipt show good.capsule --json
run 1 receipt show policy.json

# Stripped: its checks are SKIP, and only a policy that says so accepts that.
run 2 capsule strip good.capsule stripped.capsule
run 0 capsule strip --request --response good.capsule stripped.capsule
run 1 verify stripped.capsule -p policy.json --sim-root sim.root
has out 'SKIP  receipt.request'
sed 's/"version": 1,/"version": 1, "allow_stripped": true,/' policy.json >stripped.json
run 0 verify stripped.capsule -p stripped.json --sim-root sim.root
lacks out 'FAIL'
run 0 capsule strip --salt good.capsule bare.capsule
run 0 verify bare.capsule -p stripped.json --sim-root sim.root
lacks out 'FAIL'
run 0 capsule show bare.capsule
lacks out 'not verified'

# One byte of the saved answer.
offset=$(grep -abo 'text_completion' good.capsule | head -n 1 | cut -d: -f1)
cp good.capsule changed.capsule
printf T | dd of=changed.capsule bs=1 seek="$offset" conv=notrunc 2>dd.log
run 1 verify changed.capsule -p policy.json --sim-root sim.root
has out 'FAIL  receipt.response'

# Computed again.
run 0 recheck good.capsule --model "$model" -p policy.json --sim-root sim.root
has out 'same digest'
run 0 recheck good.capsule --model "$model"
run 1 recheck changed.capsule --model "$model"
has out 'receipt.response'
run 3 recheck stripped.capsule --model "$model"
has out 'cannot judge'
run 3 recheck good.capsule --model bad.gguf
has out 'cannot judge'
run 1 recheck good.capsule --model "$model" -p hardware.json --sim-root sim.root

# Evidence alone.
nonce=$(printf %064d 7)
run 0 attest fetch --url "$url" --nonce "$nonce" -o bundle
run 0 attest show bundle
run 0 attest show bundle --json
run 0 attest verify bundle -p policy.json --sim-root sim.root --nonce "$nonce"
run 1 attest verify bundle -p policy.json --sim-root sim.root --nonce "$(printf %064d 8)"
has out 'FAIL  nonce'
run 1 attest verify policy.json -p policy.json --sim-root sim.root
run 2 attest fetch --url "$url" --nonce 12 -o bundle2
run 2 attest fetch

# Seeing is not trusting.
run 1 policy pin --url "$url" -o seen.json
has out "$root"
[ ! -e seen.json ] || fail 'a policy was written without a comparison'
compared=$(sed -n 's/.*--i-compared-these-values=\([0-9a-f]*\)\.$/\1/p' err)
[ "${#compared}" = 16 ] || fail 'no digest of the values was shown'
run 2 policy pin --url "$url" -o seen.json --i-compared-these-values
run 1 policy pin --url "$url" --i-compared-these-values=0123456789abcdef -o seen.json
has err "$compared"
[ ! -e seen.json ] || fail 'a policy was written of values that were not compared'
run 0 policy pin --url "$url" --i-compared-these-values="$compared" -o seen.json
run 0 verify good.capsule -p seen.json --sim-root sim.root

# A node that wants a token.
node_stop
start --token-file "$top/token"
ask 5 --completion -n 4 'Once upon a time'
has err '401'
ask 0 --token-file token --completion -n 4 'Once upon a time'

# A lying engine: every signature holds, only computing again tells.
node_stop
start --sim-engine "$bin/aver-hostile-engine"
ask 0 --completion -n 24 --seed 5 --save lie.capsule 'Once upon a time'
run 0 verify lie.capsule -p policy.json --sim-root sim.root
run 1 recheck lie.capsule --model "$model" -p policy.json --sim-root sim.root
has out 'first wrong token at position 5: claimed '

# No colour where there is no terminal.
run 0 verify good.capsule -p policy.json --sim-root sim.root
if grep -q "$(printf '\033')" out err; then fail 'colour without a terminal'; fi

[ "$failed" = 0 ] && echo "$count commands ended as they should"
exit "$failed"
