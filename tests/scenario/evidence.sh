#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Evidence on the command line: aver vectors, attest judge, checks, and attestation results; what is
# printed, and with which exit code.
set -u
LC_ALL=C
export LC_ALL
aver=${AVER_BIN:?}/aver
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top" || exit 1
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

# run CODE WORDS...: aver ends with the code; what it says is in out and err.
run() {
    wanted=$1
    shift
    code=0
    "$aver" "$@" >out 2>err </dev/null || code=$?
    [ "$code" = "$wanted" ] || fail "aver $*: exit $code instead of $wanted: $(cat out err)"
}
last() {
    [ "$(tail -n 1 out)" = "$1" ] || fail "the last line is $(tail -n 1 out), not $1"
}
says() {
    grep -qF -- "$1" "${2:-out}" || fail "${2:-out} does not say $1: $(cat "${2:-out}")"
}

# manifest CASES: writes set/manifest.json.
manifest() {
    printf '{"sha256": {"listed": "00"}, "vectors": [%s]}\n' "$1" >set/manifest.json
}
mkdir set
: >set/empty
echo listed >set/listed
echo secret >outside
bad='"params": {"time": 1}, "expect": {"verdict": "invalid", "reason": "malformed"}'
good='"params": {"time": 1}, "expect": {"verdict": "valid"}'
first='{"id": "a/1", "family": "nitro", "files": {"evidence": "empty"}, '$bad'}'
second='{"id": "b/2", "family": "snp", "files": {"evidence": "empty"}, '$good'}'

manifest "$first"
run 0 vectors set/manifest.json
last '1 passed, 0 failed'
manifest "$first, $second"
run 1 vectors set/manifest.json
last '1 passed, 1 failed'
says 'FAIL b/2'
says 'malformed: evidence.format: '
run 0 vectors set/manifest.json --family nitro
last '1 passed, 0 failed'
run 1 vectors set/manifest.json --case b/2
last '0 passed, 1 failed'
run 2 vectors set/manifest.json --case c/3
run 1 vectors set/manifest.json --json
says '"passed":1,"failed":1'
says '"id":"b/2"'
run 4 vectors set/none.json
run 2 vectors set/empty
run 2 vectors
for file in ../outside /etc/hostname none listed; do
    manifest '{"id": "p", "family": "tpm", "files": {"evidence": "'$file'"}, '"$bad"'}'
    run 1 vectors set/manifest.json
    says 'cannot be run: '
    last '0 passed, 1 failed'
done

run 2 attest judge set/empty
says '--family' err
run 2 attest judge --family none set/empty
run 2 attest judge -f tdx --time yesterday set/empty
run 2 attest judge -f tdx --accept-tcb Good set/empty
run 2 attest judge -f snp --vmpl 4 set/empty
run 2 attest judge -f snp --nonce 0 set/empty
run 4 attest judge -f snp --chain none set/empty
run 1 attest judge -f snp -t 2026-01-02T03:04:05Z set/empty
says 'FAIL  evidence.format'
run 1 attest judge -f cca --json set/empty
says '{"family":"cca","reason":"malformed","verdict":{"accepted":false,'
says '"claims":null}'
run 1 attest judge -f nitro --explain set/empty
says 'mend'

echo '{"version": 1, "platforms": ["nitro"]}' >policy.json
run 1 attest judge -f nitro -p policy.json set/empty
says 'PASS  platform.allowed'
run 1 attest judge -f cca -p policy.json set/empty
says 'FAIL  platform.allowed'
run 2 attest judge -f tdx -p policy.json --allow-debug set/empty
run 2 attest judge -f tdx -p set/empty set/empty

run 1 attest judge -f nitro --ear - set/empty
says '"ear_status":"contraindicated"'
run 2 attest judge -f nitro --ear-key set/empty set/empty
run 2 attest judge -f nitro --ear - --ear-key set/empty set/empty
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>/dev/null
run 1 attest judge -f nitro --ear result --ear-key key.pem set/empty
grep -Eq '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$' result || fail "no JWT: $(cat result)"

run 2 policy pin --measured image=00 --model none
run 2 policy pin --platform nitro --measured image --model none
run 2 policy pin --platform nitro --measured image=0g --model none
run 2 policy pin --platform nitro --model none
run 4 policy pin --platform nitro --measured image=00 --model none
run 0 checks
[ "$(wc -l <out)" -ge 60 ] || fail "only $(wc -l <out) checks"
run 0 checks --json
says '"name":"tcb.status"'
exit "$failed"
