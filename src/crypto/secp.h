/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_SECP_H
#define AVER_CRYPTO_SECP_H

/*
 * secp: secp256k1 keys, addresses, recoverable ECDSA, and the two Ethereum message forms:
 * EIP-191 ("\x19Ethereum Signed Message:\n" || decimal length || text) and EIP-712
 * (keccak(0x19 0x01 || domain separator || struct hash)).
 * Signatures are 65 bytes r || s || v with v 27 or 28 and low s; another form is refused.
 *
 * One context of libsecp256k1 is made on first use, blinded with kernel randomness, and then only
 * read. Nonces are RFC 6979's. Threads: safe; a key may be used by several at once.
 */

#include "aver/bytes.h"

#define AVER_SECP_PUBLIC_BYTES    33 /* compressed */
#define AVER_SECP_SIGNATURE_BYTES 65
#define AVER_SECP_ADDRESS_BYTES   20

typedef struct aver_secp aver_secp; /* a secret key */

AVER_MUST_USE aver_err aver_secp_new(aver_secp **ret_key);
/* FORMAT if the scalar is zero or not below the order. */
AVER_MUST_USE aver_err aver_secp_from_scalar(const uint8_t scalar[static 32], aver_secp **ret_key);
void aver_secp_free(aver_secp *key);                    /* NULL is fine */
const uint8_t *aver_secp_public(const aver_secp *key);  /* 33 bytes */
const uint8_t *aver_secp_address(const aver_secp *key); /* 20 bytes */
AVER_MUST_USE aver_err aver_secp_sign(const aver_secp *key, const uint8_t digest[static 32],
                                      uint8_t ret_signature[static AVER_SECP_SIGNATURE_BYTES]);
/* FORMAT for another form or numbers out of range, PROOF if there is no such key. */
AVER_MUST_USE aver_err aver_secp_recover(const uint8_t digest[static 32],
                                         const uint8_t signature[static AVER_SECP_SIGNATURE_BYTES],
                                         uint8_t ret_public[static AVER_SECP_PUBLIC_BYTES],
                                         uint8_t ret_address[static AVER_SECP_ADDRESS_BYTES]);
/* FORMAT if it is no point. */
AVER_MUST_USE aver_err aver_secp_address_of(const uint8_t public_key[static AVER_SECP_PUBLIC_BYTES],
                                            uint8_t ret_address[static AVER_SECP_ADDRESS_BYTES]);
void aver_eip191_digest(aver_view text, uint8_t ret_digest[static 32]);
void aver_eip712_digest(const uint8_t domain_separator[static 32],
                        const uint8_t struct_hash[static 32], uint8_t ret_digest[static 32]);
/* EIP-55 mixed-case text, "0x" and 40 digits and a terminator. */
void aver_address_text(const uint8_t address[static 20], char ret_text[static 43]);

#endif
