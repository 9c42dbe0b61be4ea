/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_HPKE_H
#define AVER_CRYPTO_HPKE_H

/*
 * hpke: RFC 9180 base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM
 * (0x0020, 0x0001, 0x0002): key encapsulation, the sealing context, and the exporter.
 * Refuses an all-zero shared secret (low-order points) as FORMAT.
 *
 * Ownership: keys and contexts by new and free, which wipes. Secrets lie in locked memory, but for
 *            the AEAD's expanded key, which OpenSSL keeps.
 * Threads:   a context has one owner; a key may be used by several at once.
 * Failure:   an open that fails leaves the sequence number where it was.
 */

#include "aver/bytes.h"
#include "crypto/aead.h"

#define AVER_HPKE_ENC_BYTES    32
#define AVER_HPKE_PUBLIC_BYTES 32

typedef struct aver_hpke_key aver_hpke_key; /* a recipient's X25519 key pair */
typedef struct aver_hpke aver_hpke;         /* a sender's or recipient's context */

AVER_MUST_USE aver_err aver_hpke_key_new(aver_hpke_key **ret_key);
AVER_MUST_USE aver_err aver_hpke_key_from_scalar(const uint8_t scalar[static 32],
                                                 aver_hpke_key **ret_key);
void aver_hpke_key_free(aver_hpke_key *key);
const uint8_t *aver_hpke_key_public(const aver_hpke_key *key); /* 32 bytes */

AVER_MUST_USE aver_err aver_hpke_sender(const uint8_t public_key[static AVER_HPKE_PUBLIC_BYTES],
                                        aver_view info, uint8_t ret_enc[static AVER_HPKE_ENC_BYTES],
                                        aver_hpke **ret_context);
AVER_MUST_USE aver_err aver_hpke_recipient(const aver_hpke_key *key,
                                           const uint8_t enc[static AVER_HPKE_ENC_BYTES],
                                           aver_view info, aver_hpke **ret_context);
void aver_hpke_free(aver_hpke *context); /* NULL is fine */
/*
 * The same with a given ephemeral key pair and AEAD, in which published vectors come. An ephemeral
 * pair must never be used for a second message.
 */
AVER_MUST_USE aver_err aver_hpke_sender_fixed(
    const uint8_t public_key[static AVER_HPKE_PUBLIC_BYTES], aver_view info,
    const aver_hpke_key *ephemeral, aver_aead_kind aead, aver_hpke **ret_context);
AVER_MUST_USE aver_err aver_hpke_recipient_kind(const aver_hpke_key *key,
                                                const uint8_t enc[static AVER_HPKE_ENC_BYTES],
                                                aver_view info, aver_aead_kind aead,
                                                aver_hpke **ret_context);
/*
 * Append; the sequence number rises by one; LIMIT before it wraps. A context has one direction:
 * USAGE for seal on a recipient's and open on a sender's. PROOF if the tag does not hold.
 */
AVER_MUST_USE aver_err aver_hpke_seal(aver_hpke *context, aver_view aad, aver_view plain,
                                      aver_buf *out);
AVER_MUST_USE aver_err aver_hpke_open(aver_hpke *context, aver_view aad, aver_view sealed,
                                      aver_buf *out);
/* LIMIT if size is beyond 255 * 32. */
AVER_MUST_USE aver_err aver_hpke_export(const aver_hpke *context, aver_view label,
                                        uint8_t *ret_bytes, size_t size);
#endif
