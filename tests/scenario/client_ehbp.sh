#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The npm client ehbp, unmodified, gets sealed answers from a running node.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
# shellcheck source=tests/support/client.sh
. "$source/tests/support/client.sh"

port_node
trust
client_run client_ehbp.mjs "$url" story || fail 'client_ehbp.mjs'
node_stop
exit $failed
