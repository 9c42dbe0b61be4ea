/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/verdict.h"

/* Every named check, in the order in which they are made; docs/verifier.md explains each at length.
 */
static const aver_check_name checks_table[] = {
    {"capsule.format", "the capsule is well formed"},
    {"bundle.format", "the bundle is well formed"},
    {"platform.known", "this verifier can judge the platform's evidence"},
    {"platform.allowed", "the policy allows the platform"},
    {"evidence.format", "the evidence is well formed for its platform"},
    {"platform.root", "the certificates of the evidence lead to a root that the reader trusts"},
    {"evidence.signature", "the evidence is signed by the key that those certificates name"},
    {"evidence.debug", "the enclave is not open to a debugger, or the policy accepts that"},
    {"evidence.age", "the evidence was young enough when it was relied on"},
    {"measurement.allowed", "the measured program is one that the policy allows"},
    {"tcb.min", "the platform's firmware is at least as new as the policy asks"},
    {"binding", "the evidence commits to this keyset, these nonces and this GPU evidence"},
    {"keyset.format", "the keyset is well formed"},
    {"keyset.platform", "the keyset names the platform of the evidence"},
    {"keyset.incarnation", "the incarnation is the hash of the receipt key"},
    {"keyset.config", "the configuration document is the one that the keyset commits to"},
    {"config.allowed", "the policy allows the configuration"},
    {"model.allowed", "the policy allows the model"},
    {"node.id", "the keyset is of the node that the reader asked for"},
    {"nonce", "the evidence was made after the reader chose its nonce"},
    {"channel.tls", "this TLS connection ends at a key of the keyset"},
    {"channel.seal", "the request is sealed to the key of the keyset"},
    {"receipt.format", "there is a receipt and it is well formed"},
    {"receipt.signature", "the receipt is signed by the receipt key of the keyset"},
    {"receipt.keyset", "the receipt names this keyset"},
    {"receipt.evidence", "the receipt names this evidence"},
    {"receipt.incarnation", "the receipt names this incarnation"},
    {"receipt.platform", "the receipt names this platform"},
    {"receipt.node", "the receipt names this node"},
    {"receipt.model",
     "the answer is of a model of the keyset that the policy allows and the reader asked for"},
    {"receipt.config", "the answer was given under the configuration of the keyset"},
    {"receipt.class", "numeric class and profile are those of the keyset's model"},
    {"receipt.request", "the receipt commits to the request that the reader sent"},
    {"receipt.response", "the receipt commits to the answer that the reader received"},
    {"receipt.tokens", "the receipt commits to these token ids and counts"},
    {"receipt.stream", "the events received are all those that the node signed, in order"},
    {"receipt.enc", "the receipt is for this very sealed request"},
    {"receipt.route", "the receipt names the method and path that the reader asked for"},
    {"receipt.nonce", "the receipt carries the reader's nonce"},
    {"receipt.seed", "the receipt names the seed that the reader sent"},
    {"receipt.finish", "the answer is complete"},
    {"receipt.time", "the receipt was issued when it can have been"},
    {"time.as-of", "the time of issue is proven by somebody other than the node"},
    {NULL, NULL},
};

const aver_check_name *aver_check_names(void)
{
    return checks_table;
}
