/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_HPKE_KEM_H
#define AVER_CRYPTO_HPKE_KEM_H

/* hpke_kem: DHKEM(X25519, HKDF-SHA256) and the labeled KDF of RFC 9180, for the hpke context. */

#include "base/secret.h"
#include "crypto/hpke.h"

/* LabeledExtract and LabeledExpand of section 4, for the suite_id given. LIMIT if size is too
 * large. */
AVER_MUST_USE aver_err aver_hpke_labeled_extract(aver_view suite, aver_view salt, const char *label,
                                                 aver_view key, uint8_t ret_prk[static 32]);
AVER_MUST_USE aver_err aver_hpke_labeled_expand(aver_view suite, const uint8_t prk[static 32],
                                                const char *label, aver_view info,
                                                uint8_t *ret_bytes, size_t size);
/*
 * The KEM's shared secret of own and the other side's public key, bound to enc and the recipient's
 * public key. FORMAT if the other key is of low order. The caller frees it.
 */
AVER_MUST_USE aver_err aver_hpke_kem_shared(const aver_hpke_key *own,
                                            const uint8_t other[static 32],
                                            const uint8_t enc[static AVER_HPKE_ENC_BYTES],
                                            const uint8_t recipient[static AVER_HPKE_PUBLIC_BYTES],
                                            aver_secret **ret_shared);

#endif
