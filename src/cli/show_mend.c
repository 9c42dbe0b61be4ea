/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <string.h>

typedef struct show_mend {
    const char *prefix; /* a whole check name, or the beginning of several */
    const char *words;
} show_mend;

/* The first entry that fits is taken: whole names stand before their prefixes. */
static const show_mend show_mends[] = {
    {"capsule.format", "get the file again; it is damaged or no capsule of this version"},
    {"bundle.format", "ask the node again; what it sent is damaged or of another version"},
    {"platform.known", "use a verifier that knows this platform; this one cannot judge it"},
    {"platform.allowed",
     "add the platform to \"platforms\" of your policy, if you mean to trust it"},
    {"evidence.format", "ask the node again; the evidence is damaged"},
    {"platform.root", "name the simulator's root by --sim-root, or use a node on real hardware"},
    {"evidence.signature", "do not use this node: its evidence is forged or damaged"},
    {"evidence.debug", "do not use an enclave in debug mode for anything that matters"},
    {"evidence.age", "ask for new evidence, check your clock, or raise max_evidence_age_s"},
    {"measurement.allowed",
     "compare the program with a build of your own: aver policy pin --program"},
    {"tcb.min", "the node's firmware must be updated, or min_tcb lowered knowingly"},
    {"binding", "do not use this node: evidence and keys do not belong together"},
    {"keyset.config", "ask for a bundle with its configuration document"},
    {"config.allowed", "read the configuration (aver attest show), then add it to \"configs\""},
    {"keyset.", "do not use this node: its keyset is damaged or not its own"},
    {"model.allowed", "compute the root of your copy (aver model root), then add it to \"models\""},
    {"node.id", "another node answered than your URL names: check the id behind its /n/"},
    {"nonce", "ask with a nonce of your own; old evidence may be replayed evidence"},
    {"channel.tls", "somebody else ends this connection: find out who sits between"},
    {"channel.seal", "seal the request to the key of the keyset (aver ask does)"},
    {"receipt.format", "the answer is incomplete: ask again"},
    {"receipt.request", "what you hold is not the request that was answered; or it was stripped"},
    {"receipt.response", "what you hold is not the answer that was signed; or it was stripped"},
    {"receipt.tokens", "the token ids are not those that were signed; or they were stripped"},
    {"receipt.stream", "events are missing, added or changed: ask again"},
    {"receipt.finish", "the answer did not come to its end: ask again"},
    {"receipt.time", "check your clock, or raise max_receipt_age_s"},
    {"receipt.class", "do not use this answer: another profile or build made it"},
    {"receipt.", "do not use this answer: its receipt is of another node, time or request"},
    {"time.as-of", "no proof of time is part of this version: rely on your own record"},
    {"", "see docs/verifier.md"},
};

const char *aver_show_mend(const char *check_name)
{
    size_t at = 0;
    while (strncmp(show_mends[at].prefix, check_name, strlen(show_mends[at].prefix)) != 0) {
        at++;
    }
    return show_mends[at].words;
}
