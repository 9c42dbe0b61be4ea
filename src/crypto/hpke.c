/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/hpke_kem.h"

#include <stdlib.h>
#include <string.h>

/* RFC 9180 section 5; the labels of the key schedule are its constants. */
enum { HPKE_NONCE_BYTES = AVER_AEAD_NONCE_BYTES, HPKE_MODE_BASE = 0, HPKE_SUITE_BYTES = 10 };

/* What a context keeps secret besides the key of its AEAD, laid out in one aver_secret. */
typedef struct hpke_secrets {
    uint8_t exporter[32];
    uint8_t base_nonce[HPKE_NONCE_BYTES];
} hpke_secrets;

_Static_assert(sizeof(hpke_secrets) <= AVER_SECRET_BYTES_MAX, "fits one secret");

struct aver_hpke {
    aver_aead *aead;
    aver_secret *secrets; /* hpke_secrets */
    uint64_t sequence;
    uint8_t suite[HPKE_SUITE_BYTES];
    bool sender;
};

static const hpke_secrets *hpke_secrets_of(const aver_hpke *context)
{
    return (const hpke_secrets *)aver_secret_bytes(context->secrets);
}

/* "HPKE" and the numbers of KEM, KDF and AEAD. */
static void hpke_suite_write(aver_aead_kind aead, uint8_t ret_suite[static HPKE_SUITE_BYTES])
{
    const uint8_t suite[HPKE_SUITE_BYTES] = {'H',  'P',  'K',  'E',  0x00,
                                             0x20, 0x00, 0x01, 0x00, (uint8_t)aead};
    memcpy(ret_suite, suite, sizeof suite);
}

/* key_schedule_context: mode || psk_id_hash || info_hash. */
static aver_err hpke_schedule_context(aver_view suite, aver_view info,
                                      uint8_t ret_context[static 65])
{
    aver_view none = aver_view_make(NULL, 0);
    ret_context[0] = HPKE_MODE_BASE;
    aver_err err = aver_hpke_labeled_extract(suite, none, "psk_id_hash", none, ret_context + 1);
    if (err == AVER_OK) {
        err = aver_hpke_labeled_extract(suite, none, "info_hash", info, ret_context + 33);
    }
    return err;
}

/* Key, base nonce and exporter secret from the secret of the key schedule. */
static aver_err hpke_schedule_keys(aver_hpke *context, aver_aead_kind kind, const uint8_t *secret,
                                   aver_view schedule)
{
    aver_view suite = AVER_VIEW_OF(context->suite);
    aver_secret *key;
    size_t key_size = aver_aead_key_size(kind);
    aver_err err = aver_secret_new(key_size, &key);
    if (err != AVER_OK) {
        return err;
    }
    hpke_secrets *secrets = (hpke_secrets *)aver_secret_data(context->secrets);
    err = aver_hpke_labeled_expand(suite, secret, "key", schedule, aver_secret_data(key), key_size);
    if (err == AVER_OK) {
        err = aver_hpke_labeled_expand(suite, secret, "base_nonce", schedule, secrets->base_nonce,
                                       sizeof secrets->base_nonce);
    }
    if (err == AVER_OK) {
        err = aver_hpke_labeled_expand(suite, secret, "exp", schedule, secrets->exporter,
                                       sizeof secrets->exporter);
    }
    if (err == AVER_OK) {
        err = aver_aead_new_kind(kind, aver_view_make(aver_secret_bytes(key), key_size),
                                 &context->aead);
    }
    aver_secret_free(key);
    return err;
}

static aver_err hpke_schedule(aver_hpke *context, aver_aead_kind kind, aver_view shared,
                              aver_view info)
{
    hpke_suite_write(kind, context->suite);
    aver_view suite = AVER_VIEW_OF(context->suite);
    aver_secret *secret = NULL;
    uint8_t schedule[65];
    aver_err err = hpke_schedule_context(suite, info, schedule);
    if (err == AVER_OK) {
        err = aver_secret_new(32, &secret);
    }
    if (err == AVER_OK) {
        err = aver_hpke_labeled_extract(suite, shared, "secret", aver_view_make(NULL, 0),
                                        aver_secret_data(secret));
    }
    if (err == AVER_OK) {
        err = aver_secret_new(sizeof(hpke_secrets), &context->secrets);
    }
    if (err == AVER_OK) {
        err = hpke_schedule_keys(context, kind, aver_secret_bytes(secret), AVER_VIEW_OF(schedule));
    }
    aver_secret_free(secret);
    return err;
}

/* A context over a shared secret, which is the caller's to release. */
static aver_err hpke_context_new(bool sender, aver_aead_kind kind, const aver_secret *shared,
                                 aver_view info, aver_hpke **ret_context)
{
    aver_hpke *context = calloc(1, sizeof *context);
    if (!context) {
        return AVER_E_NOMEM;
    }
    context->sender = sender;
    aver_view secret = aver_view_make(aver_secret_bytes(shared), aver_secret_size(shared));
    aver_err err = hpke_schedule(context, kind, secret, info);
    if (err != AVER_OK) {
        aver_hpke_free(context);
        return err;
    }
    *ret_context = context;
    return AVER_OK;
}

aver_err aver_hpke_sender_fixed(const uint8_t public_key[static AVER_HPKE_PUBLIC_BYTES],
                                aver_view info, const aver_hpke_key *ephemeral, aver_aead_kind aead,
                                aver_hpke **ret_context)
{
    aver_secret *shared;
    const uint8_t *enc = aver_hpke_key_public(ephemeral);
    aver_err err = aver_hpke_kem_shared(ephemeral, public_key, enc, public_key, &shared);
    if (err != AVER_OK) {
        return err;
    }
    err = hpke_context_new(true, aead, shared, info, ret_context);
    aver_secret_free(shared);
    return err;
}

aver_err aver_hpke_sender(const uint8_t public_key[static AVER_HPKE_PUBLIC_BYTES], aver_view info,
                          uint8_t ret_enc[static AVER_HPKE_ENC_BYTES], aver_hpke **ret_context)
{
    aver_hpke_key *ephemeral;
    aver_err err = aver_hpke_key_new(&ephemeral);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_hpke_sender_fixed(public_key, info, ephemeral, AVER_AEAD_AES_256_GCM, ret_context);
    if (err == AVER_OK) {
        memcpy(ret_enc, aver_hpke_key_public(ephemeral), AVER_HPKE_ENC_BYTES);
    }
    aver_hpke_key_free(ephemeral);
    return err;
}

aver_err aver_hpke_recipient_kind(const aver_hpke_key *key,
                                  const uint8_t enc[static AVER_HPKE_ENC_BYTES], aver_view info,
                                  aver_aead_kind aead, aver_hpke **ret_context)
{
    aver_secret *shared;
    aver_err err = aver_hpke_kem_shared(key, enc, enc, aver_hpke_key_public(key), &shared);
    if (err != AVER_OK) {
        return err;
    }
    err = hpke_context_new(false, aead, shared, info, ret_context);
    aver_secret_free(shared);
    return err;
}

aver_err aver_hpke_recipient(const aver_hpke_key *key,
                             const uint8_t enc[static AVER_HPKE_ENC_BYTES], aver_view info,
                             aver_hpke **ret_context)
{
    return aver_hpke_recipient_kind(key, enc, info, AVER_AEAD_AES_256_GCM, ret_context);
}

void aver_hpke_free(aver_hpke *context)
{
    if (context) {
        aver_aead_free(context->aead);
        aver_secret_free(context->secrets);
        free(context);
    }
}

static void hpke_nonce(const aver_hpke *context, uint8_t ret_nonce[static HPKE_NONCE_BYTES])
{
    aver_aead_nonce(hpke_secrets_of(context)->base_nonce, context->sequence, ret_nonce);
}

static aver_err hpke_usable(const aver_hpke *context, bool sender)
{
    if (context->sender != sender) {
        return AVER_E_USAGE;
    }
    return context->sequence == UINT64_MAX ? AVER_E_LIMIT : AVER_OK;
}

aver_err aver_hpke_seal(aver_hpke *context, aver_view aad, aver_view plain, aver_buf *out)
{
    aver_err err = hpke_usable(context, true);
    if (err != AVER_OK) {
        return err;
    }
    uint8_t nonce[HPKE_NONCE_BYTES];
    hpke_nonce(context, nonce);
    err = aver_aead_seal(context->aead, nonce, aad, plain, out);
    context->sequence += err == AVER_OK ? 1 : 0;
    return err;
}

aver_err aver_hpke_open(aver_hpke *context, aver_view aad, aver_view sealed, aver_buf *out)
{
    aver_err err = hpke_usable(context, false);
    if (err != AVER_OK) {
        return err;
    }
    uint8_t nonce[HPKE_NONCE_BYTES];
    hpke_nonce(context, nonce);
    err = aver_aead_open(context->aead, nonce, aad, sealed, out);
    context->sequence += err == AVER_OK ? 1 : 0;
    return err;
}

aver_err aver_hpke_export(const aver_hpke *context, aver_view label, uint8_t *ret_bytes,
                          size_t size)
{
    return aver_hpke_labeled_expand(AVER_VIEW_OF(context->suite),
                                    hpke_secrets_of(context)->exporter, "sec", label, ret_bytes,
                                    size);
}
