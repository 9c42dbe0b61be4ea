#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plain clients and the node's certificate: with the authority that aver attest fetch --ca gives out
# they reach this node, by its names, and no other; and a certificate that a CA has issued for the
# node's key is served, and none for another key.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"

trap '[ -z "$node" ] || kill "$node" 2>/dev/null
    [ ! -f "$top/other/pid" ] || kill "$(cat "$top/other/pid")" 2>/dev/null
    rm -rf "$top"' EXIT

port_of() {
    sed -n 's/.*"tcp:127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$1"
}

# get CA HOST: whether curl reaches the node at $port by that name.
get() {
    curl -sSf --max-time 60 -o curl.out \
        --cacert "$1" --resolve "$2:$port:127.0.0.1" "https://$2:$port/health" 2>curl.err
}

# wait_log WORDS: the node says so; ends only by the test's own limit if it does not.
wait_log() {
    until grep -q "$1" node.log; do
        sleep 0.1
    done
}

fetch() {
    "$bin/aver" attest fetch --url "https://127.0.0.1:$port" --policy policy.json \
        --sim-root sim.key.pub "$@" 2>fetch.err
}

node_start --listen tcp:127.0.0.1:0 --server-name aver.example --csr node.csr \
    --certificate node.pem
port=$(port_of ready)
"$bin/aver" sim-root sim.key >sim.key.pub
"$bin/aver" policy pin --sim --program "$bin/aver-node-sim" --model "$model" -o policy.json

# The authority comes with a verdict, or not at all.
fetch --ca ca.pem -o bundle || fail "no authority: $(cat fetch.err)"
grep -q 'vouches for localhost, 127\.0\.0\.1, ::1, aver\.example;' fetch.err ||
    fail "the names of the authority are not said: $(cat fetch.err)"
"$bin/aver" attest verify bundle --policy policy.json --sim-root sim.key.pub >/dev/null ||
    fail 'the bundle does not hold'
echo '{"version": 1}' >nothing.json
"$bin/aver" attest fetch --url "https://127.0.0.1:$port" --policy nothing.json --ca none.pem \
    -o none 2>/dev/null
[ $? = 1 ] || fail 'a refused node did not end with status 1'
[ ! -e none.pem ] && [ ! -e none ] || fail 'something of a refused node was written'
"$bin/aver" attest fetch --url "https://127.0.0.1:$port" --ca none.pem 2>/dev/null
[ $? = 2 ] || fail 'an authority without a policy'

# By its names it is reached, by others not; nor is another node.
for host in 127.0.0.1 localhost aver.example; do
    get ca.pem $host || fail "$host: $(cat curl.err)"
done
get ca.pem other.example && fail 'reached by a name that is not its own'
grep -q 'certificate subject name' curl.err || fail "not refused for its name: $(cat curl.err)"
first=$port
mkdir other
(
    cd other || exit 1
    "$bin/aver-node-sim" --model "$model" --platform "sim:key=$top/sim.key" --ready-file ready \
        --listen tcp:127.0.0.1:0 >node.log 2>&1 &
    echo $! >pid
    until [ -f ready ]; do
        kill -0 "$(cat pid)" || exit 1
        sleep 0.1
    done
) || fail 'the other node did not start'
port=$(port_of other/ready)
get ca.pem localhost && fail 'another node passed for this one'
grep -q 'certificate' curl.err || fail "not refused for its certificate: $(cat curl.err)"
if command -v node >/dev/null; then
    cat >get.mjs <<'EOF'
import https from 'node:https';
https.get(process.argv[2], (answer) => {
    answer.resume();
    answer.on('end', () => process.exit(answer.statusCode === 200 ? 0 : 1));
}).on('error', (error) => process.exit(/CERT|SIGNATURE/.test(error.code) ? 7 : 1));
EOF
    NODE_EXTRA_CA_CERTS=ca.pem node get.mjs "https://localhost:$first/health" ||
        fail 'Node does not accept the authority'
    NODE_EXTRA_CA_CERTS=ca.pem node get.mjs "https://localhost:$port/health"
    [ $? = 7 ] || fail 'Node did not refuse the other node for its certificate'
else
    echo 'SKIP: no node: what its TLS says'
fi
kill "$(cat other/pid)"
port=$first

# A certificate by a CA: for another key it is not served, for this one it is.
openssl req -in node.csr -noout -verify 2>/dev/null || fail 'the request does not hold'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout test-ca.key \
    -out test-ca.pem -days 2 -subj '/CN=a CA of the test' 2>/dev/null
openssl x509 -req -in node.csr -CA test-ca.pem -CAkey test-ca.key -copy_extensions copy -days 1 \
    -out good.pem 2>/dev/null || fail 'the CA cannot issue by the request'
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key \
    -subj /CN=aver.example -addext subjectAltName=DNS:aver.example 2>/dev/null |
    openssl x509 -req -CA test-ca.pem -CAkey test-ca.key -copy_extensions copy -days 1 \
        -out bad.pem 2>/dev/null
cp bad.pem node.tmp && mv node.tmp node.pem
wait_log 'certificate.refused.*not the TLS key of this node'
get test-ca.pem aver.example && fail 'a certificate for another key is served'
get ca.pem aver.example || fail 'the own certificate is served no more'
cat good.pem test-ca.pem >node.tmp && mv node.tmp node.pem
wait_log 'certificate.served'
get test-ca.pem aver.example || fail "by the CA: $(cat curl.err)"
# The evidence still speaks of the connection's key.
"$bin/aver" ask --url "https://127.0.0.1:$port" --policy policy.json --sim-root sim.key.pub -n 4 -v \
    hello >/dev/null 2>ask.err || fail "not verified: $(cat ask.err)"
grep -q 'PASS *channel.tls' ask.err || fail 'channel.tls did not pass'
fetch --ca again.pem && fail 'an authority that the node does not show'
grep -q 'if a CA has' fetch.err || fail "other words: $(cat fetch.err)"
# Rubbish leaves it as it is; SIGHUP looks again.
echo rubbish >node.tmp && mv node.tmp node.pem
wait_log 'certificate.refused.*no PEM file'
get test-ca.pem aver.example || fail 'rubbish took the certificate away'
refusals=$(grep -c 'certificate.refused' node.log)
kill -HUP "$node"
until [ "$(grep -c 'certificate.refused' node.log)" -gt "$refusals" ]; do
    sleep 0.1
done
node_stop

"$bin/aver-node-sim" --model "$model" --platform "sim:key=$top/sim.key" --csr x \
    --listen "unix:$top/x" >node.log 2>&1
[ $? = 2 ] || fail 'a request without a name'
exit "$failed"
