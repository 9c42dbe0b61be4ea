# SPDX-License-Identifier: Apache-2.0
# Sourced by scenarios with clients of others, after story.sh: Node.js and the clients that set-up
# unpacked (or SKIP), a node that listens on a port of this machine, and scripts run beside them.
if ! command -v node >/dev/null 2>&1; then
    echo 'SKIP: node is not installed: clients of others were not run'
    exit 77
fi
if [ ! -d "${AVER_CLIENTS:-/nonexistent}/node_modules" ]; then
    echo 'SKIP: tools/setup --clients was not run: clients of others are not here'
    exit 77
fi
# WebCrypto as Node.js 18 has it makes it warn, and is no global of its own accord.
NODE_NO_WARNINGS=1
export NODE_NO_WARNINGS
ln -s "$AVER_CLIENTS/node_modules" "$top/node_modules"

# client_run SCRIPT ARGUMENTS...: tests/scenario/SCRIPT, which finds the clients beside itself.
client_run() {
    cp "$source/tests/scenario/"*.mjs "$top/"
    script=$1
    shift
    case $(node --version) in
    v18.*) node --experimental-global-webcrypto "$top/$script" "$@" ;;
    *) node "$top/$script" "$@" ;;
    esac
}

# port_node OPTIONS...: as node_start, and $url is where it listens with TLS.
port_node() {
    node_start --listen tcp:127.0.0.1:0 --threads 1 "$@"
    url=https://127.0.0.1:$(sed -n 's/.*"tcp:127\.0\.0\.1:\([0-9]*\)".*/\1/p' ready)
}

# trust: the node at $url is judged by $top/policy.json, and from then on Node.js trusts the authority
# of its TLS key, as it does those of the system.
trust() {
    [ -f policy.json ] ||
        "$bin/aver" policy pin --sim --program "$bin/aver-node-sim" --model "$model" -o policy.json >/dev/null
    "$bin/aver" attest fetch --url "$url" --policy policy.json --sim-root sim.key.pub --ca ca.pem \
        -o bundle 2>said || { cat said; fail 'the node was not judged'; }
    NODE_EXTRA_CA_CERTS=$top/ca.pem
    export NODE_EXTRA_CA_CERTS
}
