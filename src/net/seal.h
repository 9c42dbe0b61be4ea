/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_SEAL_H
#define AVER_NET_SEAL_H

/*
 * seal: bodies encrypted to the enclave in the wire format of EHBP, so that its clients work.
 *
 *   request:   header Ehbp-Encapsulated-Key: hex(enc); HPKE base mode, info "ehbp request";
 *              body = chunks of u32be size || HPKE ciphertext (sequence 0, 1, ...; empty aad)
 *   response:  header Ehbp-Response-Nonce: hex(nonce), 32 bytes;
 *              secret = export("ehbp response", 32), prk = HKDF-Extract(enc || nonce, secret),
 *              key = Expand(prk, "key", 32), base = Expand(prk, "nonce", 12);
 *              body = chunks of u32be size || AES-256-GCM(key, base xor sequence, chunk),
 *              the sequence over the last 8 bytes, big-endian
 *
 * Chunks of size 0 are skipped; a request has at least one other. aver adds: salt =
 * export("aver receipt salt", 32); the Aver-Receipt header, base64url(AES-256-GCM(export("aver
 * receipt header", 32), nonce 0, receipt)).
 * EHBP does not authenticate the end of a body: our clients wait for the receipt.
 *
 * Limits: a chunk of at most AVER_SEAL_CHUNK_BYTES_MAX.
 */

#include "aver/bytes.h"
#include "crypto/hpke.h"

#define AVER_SEAL_CHUNK_BYTES_MAX (8u * 1024 * 1024)
#define AVER_SEAL_NONCE_BYTES     32

typedef struct aver_seal aver_seal; /* one request and its response, either side */

/* Server: opens a whole request body. enc_hex is the header's value. PROOF if a tag fails, FORMAT
 * for bad frames. */
AVER_MUST_USE aver_err aver_seal_accept(const aver_hpke_key *key, const char *enc_hex,
                                        aver_view body, size_t plain_max, aver_buf *ret_plain,
                                        aver_seal **ret_seal);
/* Client: a fresh context to this key, the header's value, and the sealed body. */
AVER_MUST_USE aver_err aver_seal_offer(const uint8_t seal_key[static 32], aver_view plain,
                                       char ret_enc_hex[static 65], aver_buf *ret_body,
                                       aver_seal **ret_seal);
void aver_seal_free(aver_seal *seal);
const uint8_t *aver_seal_enc(const aver_seal *seal); /* 32 bytes */
/* The salt of the receipt's commitments: 32 bytes. */
const uint8_t *aver_seal_salt(const aver_seal *seal);

/* Server: draws the response nonce and prepares the response key; once. */
AVER_MUST_USE aver_err aver_seal_respond(aver_seal *seal, char ret_nonce_hex[static 65]);
/* Appends one sealed chunk, frame included; nothing for an empty chunk. */
AVER_MUST_USE aver_err aver_seal_chunk(aver_seal *seal, aver_view plain, aver_buf *out);
/* Client: the response header. Then feed bytes as they come; whole chunks are opened and appended
 * to out. */
AVER_MUST_USE aver_err aver_seal_expect(aver_seal *seal, const char *nonce_hex);
AVER_MUST_USE aver_err aver_seal_feed(aver_seal *seal, aver_view bytes, aver_buf *out);
/* FORMAT if the body ended inside a chunk. */
AVER_MUST_USE aver_err aver_seal_feed_end(const aver_seal *seal);

/* The Aver-Receipt header's value on sealed exchanges; once, its key and nonce serve one receipt
 * (USAGE after that). */
AVER_MUST_USE aver_err aver_seal_receipt_header(aver_seal *seal, aver_view receipt,
                                                aver_buf *ret_text);
AVER_MUST_USE aver_err aver_seal_receipt_open(const aver_seal *seal, const char *text,
                                              aver_buf *ret_receipt);

/* RFC 9458 key configuration (application/ohttp-keys) of one key, id 0. */
void aver_seal_key_config(const uint8_t seal_key[static 32], aver_buf *out);
AVER_MUST_USE aver_err aver_seal_key_config_parse(aver_view config,
                                                  uint8_t ret_seal_key[static 32]);

/*
 * The body (application/problem+json) that EHBP wants with status 422 when a request cannot be
 * opened: its clients then fetch the key anew. title is valid UTF-8.
 */
#define AVER_SEAL_PROBLEM_STATUS     422
#define AVER_SEAL_PROBLEM_MEDIA_TYPE "application/problem+json"
#define AVER_SEAL_PROBLEM_TYPE       "urn:ietf:params:ehbp:error:key-config"
void aver_seal_problem_body(aver_buf *out, const char *title);

#endif
