/* SPDX-License-Identifier: Apache-2.0 */
#include "support/mutate_repair.h"

#include "base/check.h"
#include "crypto/cose.h"
#include "crypto/hash.h"

#include <string.h>

enum {
    CAPSULE_RECEIPT = 1,
    CAPSULE_BUNDLE = 2,
    CAPSULE_SALT = 4,
    CAPSULE_REQUEST = 5,
    CAPSULE_RESPONSE = 6,
    CAPSULE_TOKENS = 7,
    CAPSULE_CUT = 9,
};

typedef struct repair_work {
    cbor_tree *tree;
    cbor_node *capsule, *bundle, *keyset, *evidence, *keeper, *opening, *head;
    const mutate_keys *keys;
    aver_buf bytes;
} repair_work;

/* The bytes of a byte string; empty where there is none. Valid until the next call. */
static aver_view repair_bytes(repair_work *work, const cbor_node *node)
{
    aver_buf_clear(&work->bytes);
    (void)cbor_tree_bytes(node, &work->bytes);
    AVER_ASSERT(aver_buf_status(&work->bytes) == AVER_OK);
    return aver_buf_view(&work->bytes);
}

static void repair_set(repair_work *work, cbor_node *node, aver_view bytes)
{
    if (node) {
        cbor_tree_set_bytes(work->tree, node, bytes);
    }
}

/* Signs tag || a || b and puts the signature into the node. */
static void repair_sign(repair_work *work, const aver_ed25519 *key, const char *tag,
                        const cbor_node *a, const cbor_node *b, cbor_node *node)
{
    uint8_t signature[64];
    aver_buf message;
    aver_buf_init(&message, AVER_CAPSULE_BYTES_MAX);
    aver_buf_append_text(&message, tag);
    aver_buf_append(&message, repair_bytes(work, a));
    aver_buf_append(&message, repair_bytes(work, b));
    AVER_ASSERT(aver_buf_status(&message) == AVER_OK);
    AVER_ASSERT(aver_ed25519_sign(key, aver_buf_view(&message), signature) == AVER_OK);
    repair_set(work, node, AVER_VIEW_OF(signature));
    aver_buf_deinit(&message);
}

static void repair_device(repair_work *work)
{
    cbor_node *device = cbor_tree_at(work->evidence, 1);
    repair_sign(work, work->keys->root, AVER_SIM_DEVICE_TAG, cbor_tree_at(device, 0),
                cbor_tree_at(device, 1), cbor_tree_at(device, 2));
}

static void repair_incarnation(repair_work *work)
{
    uint8_t digest[32];
    const cbor_node *key = cbor_tree_at(cbor_tree_at(work->keyset, 4), 1);
    cbor_node *cut = cbor_tree_at(work->capsule, CAPSULE_CUT);
    cbor_node *messages[] = {cbor_tree_at(work->capsule, CAPSULE_RECEIPT), cbor_tree_at(cut, 0),
                             cbor_tree_at(cut, 1)};
    aver_sha256_of(repair_bytes(work, key), digest);
    repair_set(work, cbor_tree_at(work->keyset, 3), AVER_VIEW_OF(digest));
    repair_set(work, cbor_tree_at(work->keeper, 3), AVER_VIEW_OF(digest));
    repair_set(work, cbor_tree_at(work->opening, 3), AVER_VIEW_OF(digest));
    for (size_t i = 0; i < 3; i++) {
        repair_set(work, cbor_tree_at(cbor_tree_at(messages[i], 0), 4), AVER_VIEW_OF(digest));
    }
}

static void repair_binding(repair_work *work)
{
    uint8_t keyset[32];
    uint8_t root[32] = {0};
    uint8_t report[64];
    uint8_t gpu[32];
    const cbor_node *gpu_evidence = cbor_tree_at(work->bundle, 7);
    cbor_node *statement = cbor_tree_at(work->evidence, 2);
    aver_keyset_digest(repair_bytes(work, cbor_tree_at(work->bundle, 4)), keyset);
    aver_view found = repair_bytes(work, cbor_tree_at(work->bundle, 5));
    memcpy(root, found.data ? found.data : root, found.size < 32 ? found.size : 32);
    aver_sha256_tagged("aver/gpu/1", repair_bytes(work, gpu_evidence), (aver_view){0}, gpu);
    aver_binding(keyset, root, gpu_evidence ? AVER_VIEW_OF(gpu) : (aver_view){0}, report);
    repair_set(work, cbor_tree_at(statement, 2), AVER_VIEW_OF(report));
}

static void repair_digests(repair_work *work)
{
    uint8_t digest[32];
    aver_keyset_digest(repair_bytes(work, cbor_tree_at(work->bundle, 4)), digest);
    repair_set(work, cbor_tree_at(work->keeper, 5), AVER_VIEW_OF(digest));
    repair_set(work, cbor_tree_at(work->opening, 2), AVER_VIEW_OF(digest));
    aver_evidence_digest(repair_bytes(work, cbor_tree_at(work->bundle, 2)), digest);
    repair_set(work, cbor_tree_at(work->keeper, 6), AVER_VIEW_OF(digest));
}

static void repair_commitments(repair_work *work)
{
    typedef void commit_fn(const uint8_t salt[AVER_AT_LEAST(32)], aver_view bytes, uint8_t *ret);
    commit_fn *const commits[] = {aver_commit_request, aver_commit_response, aver_commit_tokens};
    uint8_t salt[32];
    uint8_t digest[32];
    aver_view found = repair_bytes(work, cbor_tree_at(work->capsule, CAPSULE_SALT));
    if (found.size != sizeof salt) {
        return;
    }
    memcpy(salt, found.data, sizeof salt);
    for (unsigned i = 0; i < 3; i++) {
        const cbor_node *body = cbor_tree_at(work->capsule, CAPSULE_REQUEST + i);
        if (body) {
            commits[i](salt, repair_bytes(work, body), digest);
            repair_set(work, cbor_tree_at(work->keeper, 15 + i), AVER_VIEW_OF(digest));
            if (i == 0) {
                repair_set(work, cbor_tree_at(work->opening, 4), AVER_VIEW_OF(digest));
            }
        }
    }
}

static void repair_events(repair_work *work)
{
    uint64_t count;
    uint8_t root[32];
    cbor_node *events = cbor_tree_at(work->keeper, 18);
    cbor_node *response = cbor_tree_at(work->capsule, CAPSULE_RESPONSE);
    if (events && response &&
        aver_stream_tree(repair_bytes(work, response), UINT64_MAX, &count, root) == AVER_OK) {
        *events = (cbor_node){.major = CBOR_TREE_UINT, .value = count, .next = events->next};
        repair_set(work, cbor_tree_at(work->keeper, 19), AVER_VIEW_OF(root));
    }
    cbor_node *covered = cbor_tree_at(work->head, 2);
    if (covered && response && covered->major == CBOR_TREE_UINT &&
        aver_stream_tree(repair_bytes(work, response), covered->value, &count, root) == AVER_OK) {
        covered->value = count;
        repair_set(work, cbor_tree_at(work->head, 3), AVER_VIEW_OF(root));
    }
}

static void repair_message(repair_work *work, cbor_node *message, const char *kind, bool stranger)
{
    uint8_t signature[64];
    aver_buf signed_bytes;
    aver_buf header;
    aver_buf payload;
    aver_buf_init(&signed_bytes, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&header, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&payload, AVER_CAPSULE_BYTES_MAX);
    if (cbor_tree_bytes(cbor_tree_at(message, 0), &header) &&
        cbor_tree_bytes(cbor_tree_at(message, 2), &payload)) {
        aver_cose_sig_structure(aver_buf_view(&header), aver_view_text(kind),
                                aver_buf_view(&payload), &signed_bytes);
        AVER_ASSERT(aver_ed25519_sign(stranger ? work->keys->stranger : work->keys->receipt,
                                      aver_buf_view(&signed_bytes), signature) == AVER_OK);
        repair_set(work, cbor_tree_at(message, 3), AVER_VIEW_OF(signature));
    }
    aver_buf_deinit(&signed_bytes);
    aver_buf_deinit(&header);
    aver_buf_deinit(&payload);
}

static void repair_messages(repair_work *work, bool stranger)
{
    cbor_node *cut = cbor_tree_at(work->capsule, CAPSULE_CUT);
    repair_message(work, cbor_tree_at(work->capsule, CAPSULE_RECEIPT), "aver/receipt/1", stranger);
    repair_message(work, cbor_tree_at(cut, 0), "aver/opening/1", stranger);
    repair_message(work, cbor_tree_at(cut, 1), "aver/head/1", stranger);
}

void mutate_repair(cbor_tree *tree, cbor_node *capsule, const mutate_keys *keys, unsigned what)
{
    cbor_node *bundle = cbor_tree_at(capsule, CAPSULE_BUNDLE);
    cbor_node *cut = cbor_tree_at(capsule, CAPSULE_CUT);
    cbor_node *payload = cbor_tree_at(cbor_tree_at(capsule, CAPSULE_RECEIPT), 2);
    repair_work work = {.tree = tree,
                        .capsule = capsule,
                        .bundle = bundle,
                        .keyset = cbor_tree_at(bundle, 4),
                        .evidence = cbor_tree_at(bundle, 2),
                        .keeper = cbor_tree_at(payload, 1),
                        .opening = cbor_tree_at(cbor_tree_at(cut, 0), 2),
                        .head = cbor_tree_at(cbor_tree_at(cut, 1), 2),
                        .keys = keys};
    aver_buf_init(&work.bytes, AVER_CAPSULE_BYTES_MAX);
    if (what & REPAIR_DEVICE) {
        repair_device(&work);
    }
    if (what & REPAIR_INCARNATION) {
        repair_incarnation(&work);
    }
    if (what & REPAIR_BINDING) {
        repair_binding(&work);
    }
    if (what & REPAIR_STATEMENT) {
        repair_sign(&work, keys->device, AVER_SIM_STATEMENT_TAG, cbor_tree_at(work.evidence, 2),
                    NULL, cbor_tree_at(work.evidence, 3));
    }
    if (what & REPAIR_DIGESTS) {
        repair_digests(&work);
    }
    if (what & REPAIR_COMMITMENTS) {
        repair_commitments(&work);
    }
    if (what & REPAIR_EVENTS) {
        repair_events(&work);
    }
    if (what & (REPAIR_MESSAGES | REPAIR_STRANGER)) {
        repair_messages(&work, what & REPAIR_STRANGER);
    }
    aver_buf_deinit(&work.bytes);
}
