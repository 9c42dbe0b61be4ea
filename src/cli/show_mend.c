/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <string.h>

typedef struct show_mend {
    const char *prefix; /* a whole check name, or the beginning of several */
    const char *words;
    bool skip; /* it also mends a SKIP */
} show_mend;

/* The first entry that fits is taken: whole names stand before their prefixes. */
static const show_mend show_mends[] = {
    {"capsule.format", "get the file again; it is damaged or no capsule of this version", false},
    {"bundle.format", "ask the node again; what it sent is damaged or of another version", false},
    {"platform.known", "use a verifier that knows this platform; this one cannot judge it", false},
    {"platform.allowed",
     "add the platform to \"platforms\" of your policy, if you mean to trust it", false},
    {"evidence.format", "ask the node again; the evidence is damaged", false},
    {"platform.root",
     "use a machine whose maker's root you trust; a simulator's root is named by --sim-root",
     false},
    {"evidence.validity",
     "ask for evidence with certificates of today, or judge it at the time at which it was made",
     false},
    {"evidence.revocation",
     "do not use a machine whose key was revoked; where a list is too old, collect a new one",
     false},
    {"evidence.nonce", "ask for evidence over a nonce of your own: this was made for another",
     false},
    {"intel.tcb-validity", "collect TCB info and QE identity again: aver attest collect", false},
    {"intel.tcb-evaluation", "collect newer collateral, or lower the number that you ask for",
     false},
    {"intel.tcb-platform", "collect the collateral of this very platform (its FMSPC)", false},
    {"intel.", "do not use this machine: its quote is not what Intel's certificates describe",
     false},
    {"tcb.status",
     "the operator must update firmware and microcode; accept_tcb can name what you put up with",
     false},
    {"tdx.", "do not use a trust domain with such attributes or such a module", false},
    {"sgx.", "do not use an enclave with such attributes", false},
    {"snp.tcb", "get the certificate of the firmware that runs there, or have it updated", false},
    {"snp.vmpl", "ask for a report from the privilege level that you expect", false},
    {"snp.", "do not use this machine: report and certificate do not belong together", false},
    {"nitro.", "do not use this document: it is not what the hardware makes", false},
    {"nvidia.rim-", "get the reference values of the versions that the device names", false},
    {"nvidia.measurements",
     "the device runs other firmware than its maker describes: have it updated or replaced", false},
    {"nvidia.", "ask the device again: this is not its answer to your request", false},
    {"azure.", "ask the virtual machine again: its parts do not belong together", false},
    {"tpm.", "ask the TPM again: this is no quote of these values by that key", false},
    {"cca.", "do not use this realm: its token is not what Arm's architecture describes", false},
    {"aci.", "do not use this answer: its keyset or receipt is not what the format asks for",
     false},
    {"tinfoil.", "do not use this document: what it shows is not what was measured", false},
    {"gpu.", "do not use these GPUs: their evidence is not of this machine and moment", false},
    {"foreign.format", "get the files again; they are damaged or of another system", false},
    {"foreign.key", "ask for the report of the address that signed: signing_address=...", false},
    {"foreign.nonce", "ask for the report with a nonce of your own, and give it by --nonce", true},
    {"foreign.request", "give the body that you sent, byte for byte, by --request", true},
    {"foreign.response", "give the body as it came, with all framing, by --response", true},
    {"foreign.tls", "somebody else ends this connection: find out who sits between", false},
    {"foreign.seal", "seal to the key that the evidence commits to", false},
    {"foreign.", "do not use this service: its evidence and its keys do not belong together",
     false},
    {"dstack.", "do not use this service: it shows another program than it runs", false},
    {"machine.allowed", "add the machine to \"machines\" of your policy, if you mean to trust it",
     false},
    {"evidence.signature", "do not use this node: its evidence is forged or damaged", false},
    {"evidence.debug", "do not use an enclave in debug mode for anything that matters", false},
    {"evidence.age", "ask for new evidence, check your clock, or raise max_evidence_age_s", false},
    {"measurement.allowed",
     "compare the program with a build of your own: aver policy pin --program", false},
    {"tcb.min", "the node's firmware must be updated, or min_tcb lowered knowingly", false},
    {"binding", "do not use this node: evidence and keys do not belong together", false},
    {"keyset.config", "ask for a bundle with its configuration document", true},
    {"config.allowed",
     "ask the operator what the digest stands for, compute it, then add it to \"configs\"", true},
    {"keyset.", "do not use this node: its keyset is damaged or not its own", false},
    {"model.allowed", "compute the root of your copy (aver model root), then add it to \"models\"",
     false},
    {"node.id", "another node answered than your URL names: check the id behind its /n/", false},
    {"nonce", "ask with a nonce of your own; old evidence may be replayed evidence", false},
    {"channel.tls", "somebody else ends this connection: find out who sits between", false},
    {"channel.seal", "seal the request to the key of the keyset (aver ask does)", false},
    {"receipt.format", "the answer is incomplete: ask again", false},
    {"receipt.request", "what you hold is not the request that was answered; or it was stripped",
     true},
    {"receipt.response", "what you hold is not the answer that was signed; or it was stripped",
     true},
    {"receipt.tokens", "the token ids are not those that were signed; or they were stripped", true},
    {"receipt.stream", "events are missing, added or changed: ask again", false},
    {"receipt.finish", "the answer did not come to its end: ask again", false},
    {"receipt.time", "check your clock, or raise max_receipt_age_s", false},
    {"receipt.class", "do not use this answer: another profile or build made it", false},
    {"receipt.", "do not use this answer: its receipt is of another node, time or request", false},
    {"time.as-of", "no proof of time is part of this version: rely on your own record", true},
    {"", "see docs/verifier.md", false},
};

static const show_mend *show_mend_find(const char *check_name)
{
    const show_mend *at = show_mends;
    while (strncmp(at->prefix, check_name, strlen(at->prefix)) != 0) {
        at++;
    }
    return at;
}

const char *aver_show_mend(const char *check_name)
{
    return show_mend_find(check_name)->words;
}

bool aver_show_mends_skip(const char *check_name)
{
    return show_mend_find(check_name)->skip;
}
