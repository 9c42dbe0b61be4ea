/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tpm_quote.h"

#include <string.h>

#define TPM_MAGIC 0xff544347u

enum {
    TPM_ST_ATTEST_QUOTE = 0x8018,
    TPM_NAME_BYTES_MAX = 2 + 64,  /* TPMU_NAME: an algorithm and its digest */
    TPM_EXTRA_BYTES_MAX = 2 + 64, /* TPM2B_DATA */
    TPM_MESSAGE_BYTES_MAX = 1024,
};

/* A cursor whose reads fail for good once bytes are missing. */
typedef struct tpm_reader {
    aver_view rest;
    bool failed;
} tpm_reader;

static aver_view tpm_take(tpm_reader *reader, size_t size)
{
    if (reader->failed || reader->rest.size < size) {
        reader->failed = true;
        return (aver_view){0};
    }
    aver_view taken = aver_view_slice(reader->rest, 0, size);
    reader->rest = aver_view_slice(reader->rest, size, reader->rest.size - size);
    return taken;
}

static uint64_t tpm_number(tpm_reader *reader, size_t bytes)
{
    aver_view taken = tpm_take(reader, bytes);
    uint64_t number = 0;
    for (size_t i = 0; i < taken.size; i++) {
        number = number << 8 | taken.data[i];
    }
    return number;
}

/* A TPM2B: a size of two bytes and that many bytes. */
static aver_view tpm_sized(tpm_reader *reader, size_t size_max)
{
    size_t size = (size_t)tpm_number(reader, 2);
    reader->failed = reader->failed || size > size_max;
    return tpm_take(reader, size);
}

size_t aver_tpm_hash_bytes(uint16_t hash)
{
    switch (hash) {
    case AVER_TPM_SHA1:
        return 20;
    case AVER_TPM_SHA256:
        return AVER_SHA256_BYTES;
    case AVER_TPM_SHA384:
        return AVER_SHA384_BYTES;
    case AVER_TPM_SHA512:
        return AVER_SHA512_BYTES;
    default:
        return 0;
    }
}

static void tpm_selection(tpm_reader *reader, aver_tpm_quote *quote)
{
    aver_tpm_selection selection = {.hash = (uint16_t)tpm_number(reader, 2)};
    size_t size = (size_t)tpm_number(reader, 1);
    if (size == 0 || size > AVER_TPM_PCRS / 8 || aver_tpm_hash_bytes(selection.hash) == 0) {
        reader->failed = true;
    }
    for (size_t i = 0; i < size && !reader->failed; i++) {
        selection.pcrs |= (uint32_t)tpm_number(reader, 1) << (8 * i);
    }
    for (size_t i = 0; i < quote->selections_count; i++) {
        reader->failed = reader->failed || quote->selections[i].hash == selection.hash;
    }
    quote->selections[quote->selections_count++] = selection;
}

aver_err aver_tpm_quote_parse(aver_view message, aver_tpm_quote *ret_quote)
{
    tpm_reader reader = {.rest = message, .failed = message.size > TPM_MESSAGE_BYTES_MAX};
    aver_tpm_quote quote = {.message = message};
    uint64_t magic = tpm_number(&reader, 4);
    uint64_t type = tpm_number(&reader, 2);
    quote.qualified_signer = tpm_sized(&reader, TPM_NAME_BYTES_MAX);
    quote.extra_data = tpm_sized(&reader, TPM_EXTRA_BYTES_MAX);
    quote.clock_ms = tpm_number(&reader, 8);
    quote.reset_count = (uint32_t)tpm_number(&reader, 4);
    quote.restart_count = (uint32_t)tpm_number(&reader, 4);
    uint64_t safe = tpm_number(&reader, 1);
    quote.safe = safe == 1;
    quote.firmware_version = tpm_number(&reader, 8);
    uint64_t selections = tpm_number(&reader, 4);
    if (reader.failed || magic != TPM_MAGIC || type != TPM_ST_ATTEST_QUOTE || safe > 1 ||
        selections == 0 || selections > AVER_TPM_SELECTIONS_MAX) {
        return AVER_E_FORMAT;
    }
    for (uint64_t i = 0; i < selections; i++) {
        tpm_selection(&reader, &quote);
    }
    quote.pcr_digest = tpm_sized(&reader, AVER_SHA512_BYTES);
    if (reader.failed || reader.rest.size != 0 || quote.pcr_digest.size == 0) {
        return AVER_E_FORMAT;
    }
    *ret_quote = quote;
    return AVER_OK;
}

aver_err aver_tpm_signature_parse(aver_view bytes, size_t alone_bytes,
                                  aver_tpm_signature *ret_signature)
{
    if (alone_bytes > 0 && bytes.size == alone_bytes) {
        *ret_signature =
            (aver_tpm_signature){.scheme = AVER_TPM_RSASSA, .hash = AVER_TPM_SHA256, .rsa = bytes};
        return AVER_OK;
    }
    tpm_reader reader = {.rest = bytes};
    aver_tpm_signature signature = {.scheme = (uint16_t)tpm_number(&reader, 2)};
    signature.hash = (uint16_t)tpm_number(&reader, 2);
    if (signature.scheme == AVER_TPM_ECDSA) {
        signature.r = tpm_sized(&reader, AVER_ECDSA_FIELD_BYTES_MAX);
        signature.s = tpm_sized(&reader, AVER_ECDSA_FIELD_BYTES_MAX);
    } else if (signature.scheme == AVER_TPM_RSASSA || signature.scheme == AVER_TPM_RSAPSS) {
        signature.rsa = tpm_sized(&reader, AVER_RSA_BYTES_MAX);
    } else {
        return AVER_E_FORMAT;
    }
    if (reader.failed || reader.rest.size != 0 || signature.hash == AVER_TPM_SHA1 ||
        aver_tpm_hash_bytes(signature.hash) == 0) {
        return AVER_E_FORMAT;
    }
    *ret_signature = signature;
    return AVER_OK;
}

void aver_tpm_digest(uint16_t hash, aver_view bytes, uint8_t ret_digest[static AVER_SHA512_BYTES])
{
    if (hash == AVER_TPM_SHA256) {
        aver_sha256_of(bytes, ret_digest);
    } else if (hash == AVER_TPM_SHA384) {
        aver_sha384_of(bytes, ret_digest);
    } else {
        aver_sha512_of(bytes, ret_digest);
    }
}

/* r and s lose the zeros in front in some TPMs. */
static aver_err tpm_verify_ec(const aver_tpm_signature *signature, aver_view digest,
                              const aver_public_key *key)
{
    uint8_t raw[AVER_ECDSA_POINT_BYTES_MAX] = {0};
    size_t bytes = aver_curve_bytes(key->curve);
    if (signature->r.size > bytes || signature->s.size > bytes) {
        return AVER_E_PROOF;
    }
    if (signature->r.size > 0) {
        memcpy(raw + bytes - signature->r.size, signature->r.data, signature->r.size);
    }
    if (signature->s.size > 0) {
        memcpy(raw + 2 * bytes - signature->s.size, signature->s.data, signature->s.size);
    }
    return aver_ecdsa_key_verify(key->ec, digest, aver_view_make(raw, 2 * bytes));
}

aver_err aver_tpm_signature_verify(const aver_tpm_signature *signature, aver_view message,
                                   const aver_public_key *key)
{
    uint8_t bytes[AVER_SHA512_BYTES];
    bool ecdsa = signature->scheme == AVER_TPM_ECDSA;
    if (ecdsa ? key->ec == NULL : key->rsa == NULL) {
        return AVER_E_UNSUPPORTED;
    }
    aver_tpm_digest(signature->hash, message, bytes);
    aver_view digest = aver_view_make(bytes, aver_tpm_hash_bytes(signature->hash));
    if (ecdsa) {
        return tpm_verify_ec(signature, digest, key);
    }
    aver_rsa_hash hash = signature->hash == AVER_TPM_SHA256   ? AVER_RSA_SHA256
                         : signature->hash == AVER_TPM_SHA384 ? AVER_RSA_SHA384
                                                              : AVER_RSA_SHA512;
    aver_err err = aver_rsa_key_verify(
        key->rsa, signature->scheme == AVER_TPM_RSAPSS ? AVER_RSA_PSS : AVER_RSA_PKCS1, hash,
        digest, signature->rsa);
    return err == AVER_E_FORMAT ? AVER_E_PROOF : err;
}
