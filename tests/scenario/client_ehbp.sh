#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The npm client ehbp, unmodified, gets sealed answers from a running node.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
# shellcheck source=tests/support/client.sh
. "$source/tests/support/client.sh"

port_node
# The client takes any fetch, whose certificates are Node.js's to judge: it trusts the seal alone.
NODE_TLS_REJECT_UNAUTHORIZED=0 client_run client_ehbp.mjs "$url" story || fail 'client_ehbp.mjs'
node_stop
exit $failed
