/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tpm_make.h"

#include "base/check.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <openssl/rsa.h>
#include <string.h>

enum { TPM_MAKE_BYTES_MAX = 4096, TPM_MAKE_PCRS = 24 };

tpm_recipe tpm_recipe_good(EVP_PKEY *key)
{
    return (tpm_recipe){.key = key,
                        .pcrs = 0xffffff,
                        .magic = 0xff544347,
                        .type = 0x8018,
                        .select_bytes = 3,
                        .selections = 1,
                        .bank = 0x000b,
                        .extra = "the challenge"};
}

static void pcr_value(size_t index, uint8_t ret_value[32])
{
    memset(ret_value, (int)(0x40 + index), 32);
}

void tpm_sign(EVP_PKEY *key, bool pss, bool sha384, aver_view message, aver_buf *out)
{
    uint8_t bytes[1024];
    size_t size = sizeof bytes;
    EVP_PKEY_CTX *parameters = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    AVER_ASSERT(context != NULL &&
                EVP_DigestSignInit(context, &parameters, sha384 ? EVP_sha384() : EVP_sha256(), NULL,
                                   key) == 1);
    AVER_ASSERT(!pss || EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    AVER_ASSERT(EVP_DigestSign(context, bytes, &size, message.data, message.size) == 1);
    EVP_MD_CTX_free(context);
    aver_buf_append(out, aver_view_make(bytes, size));
}

static void put_sized(aver_buf *out, aver_view bytes)
{
    aver_buf_append_be16(out, (uint16_t)bytes.size);
    aver_buf_append(out, bytes);
}

static void put_digest(const tpm_recipe *r, aver_buf *out)
{
    uint8_t digest[48];
    aver_buf joined;
    aver_buf_init(&joined, TPM_MAKE_BYTES_MAX);
    for (size_t i = 0; i < TPM_MAKE_PCRS; i++) {
        uint8_t value[32];
        pcr_value(i, value);
        if ((r->pcrs >> i & 1) != 0) {
            aver_buf_append(&joined, AVER_VIEW_OF(value));
        }
    }
    if (r->sha384) {
        aver_sha384_of(aver_buf_view(&joined), digest);
    } else {
        aver_sha256_of(aver_buf_view(&joined), digest);
    }
    put_sized(out, aver_view_make(digest, r->sha384 ? 48 : 32));
    aver_buf_deinit(&joined);
}

static void put_message(const tpm_recipe *r, aver_buf *out)
{
    uint8_t name[34] = {0x00, 0x0b, 0x77};
    aver_buf_append_be32(out, r->magic);
    aver_buf_append_be16(out, r->type);
    put_sized(out, AVER_VIEW_OF(name));
    put_sized(out, aver_view_text(r->extra));
    aver_buf_append_be64(out, 123456789);
    aver_buf_append_be32(out, 7);
    aver_buf_append_be32(out, 8);
    aver_buf_append_byte(out, r->safe);
    aver_buf_append_be64(out, 0x2020031200120003);
    aver_buf_append_be32(out, (uint32_t)r->selections);
    for (size_t i = 0; i < r->selections; i++) {
        aver_buf_append_be16(out, r->bank);
        aver_buf_append_byte(out, r->select_bytes);
        for (size_t k = 0; k < r->select_bytes; k++) {
            aver_buf_append_byte(out, (uint8_t)(k < 3 ? r->pcrs >> 8 * k : 0));
        }
    }
    put_digest(r, out);
    for (size_t i = 0; i < r->surplus_bytes; i++) {
        aver_buf_append_byte(out, 0);
    }
}

static void put_signature(const tpm_recipe *r, const tpm_made *made, aver_buf *out)
{
    EVP_PKEY *key = r->signer != NULL ? r->signer : r->key;
    bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
    uint16_t scheme = r->scheme != 0 ? r->scheme : !rsa ? 0x0018 : r->pss ? 0x0016 : 0x0014;
    if (!r->alone) {
        aver_buf_append_be16(out, scheme);
        aver_buf_append_be16(out, r->sha384 ? 0x000c : 0x000b);
    }
    if (rsa) {
        aver_buf bytes;
        aver_buf_init(&bytes, TPM_MAKE_BYTES_MAX);
        tpm_sign(key, r->pss, r->sha384, aver_buf_view(&made->message), &bytes);
        if (r->alone) {
            aver_buf_append(out, aver_buf_view(&bytes));
        } else {
            put_sized(out, aver_buf_view(&bytes));
        }
        aver_buf_deinit(&bytes);
        return;
    }
    uint8_t digest[48];
    uint8_t raw[132];
    if (r->sha384) {
        aver_sha384_of(aver_buf_view(&made->message), digest);
    } else {
        aver_sha256_of(aver_buf_view(&made->message), digest);
    }
    size_t size = pki_sign(key, aver_view_make(digest, r->sha384 ? 48 : 32), raw);
    for (size_t i = 0; i < 2; i++) {
        aver_view half = aver_view_make(raw + i * size / 2, size / 2);
        while (half.size > 1 && half.data[0] == 0) {
            half = aver_view_slice(half, 1, half.size - 1);
        }
        put_sized(out, half);
    }
}

void tpm_make(const tpm_recipe *recipe, tpm_made *ret_made)
{
    aver_buf_init(&ret_made->message, TPM_MAKE_BYTES_MAX);
    aver_buf_init(&ret_made->signature, TPM_MAKE_BYTES_MAX);
    put_message(recipe, &ret_made->message);
    put_signature(recipe, ret_made, &ret_made->signature);
    AVER_ASSERT(aver_buf_status(&ret_made->signature) == AVER_OK);
}

void tpm_unmake(tpm_made *made)
{
    aver_buf_deinit(&made->message);
    aver_buf_deinit(&made->signature);
}

static void put_pcrs(const tpm_recipe *r, aver_buf *out)
{
    aver_buf_append_text(out, r->banks_named ? ",\"tpm_pcrs\":{\"sha256\":[" : ",\"tpm_pcrs\":[");
    for (size_t i = 0; i < TPM_MAKE_PCRS; i++) {
        uint8_t value[32];
        pcr_value(i, value);
        value[0] ^= r->pcr_changed && i == 0 ? 1 : 0;
        aver_buf_append_text(out, i > 0 ? "," : "");
        if (i == 7 && r->no_pcr7) {
            aver_buf_append_text(out, "null");
            continue;
        }
        aver_buf_append_byte(out, '"');
        aver_hex_append(out, aver_view_make(value, r->short_pcr && i == 1 ? 20 : 32));
        aver_buf_append_byte(out, '"');
    }
    aver_buf_append_text(out, r->banks_named ? "]}" : "]");
}

void tpm_members(const tpm_recipe *recipe, const tpm_made *made, aver_buf *out)
{
    aver_buf_append_text(out, "\"tpm_message\":\"");
    aver_hex_append(out, aver_buf_view(&made->message));
    aver_buf_append_text(out, "\",\"tpm_signature\":\"");
    aver_hex_append(out, aver_buf_view(&made->signature));
    aver_buf_append_byte(out, '"');
    if (!recipe->no_pcrs) {
        put_pcrs(recipe, out);
    }
}
