/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seal frames from outside: the first byte chooses what the rest is: a request's body, a response
 * fed in pieces, a receipt header, a key configuration, or an encapsulated key.
 */
#include "base/check.h"
#include "net/seal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static aver_hpke_key *seal_key(void)
{
    static const uint8_t scalar[32] = {1, 2, 3};
    static aver_hpke_key *key;
    if (!key) {
        AVER_ASSERT(aver_hpke_key_from_scalar(scalar, &key) == AVER_OK);
    }
    return key;
}

static void seal_fuzz_accept(const char *enc, aver_view body)
{
    aver_seal *seal = NULL;
    aver_buf plain;
    aver_buf_init(&plain, 1 << 20);
    if (aver_seal_accept(seal_key(), enc, body, 1 << 16, &plain, &seal) != AVER_OK) {
        AVER_ASSERT(!seal && plain.size == 0);
    }
    aver_seal_free(seal);
    aver_buf_deinit(&plain);
}

/* A client that expects an answer. */
static aver_seal *seal_fuzz_client(char enc[65])
{
    aver_seal *seal = NULL;
    aver_buf body;
    aver_buf_init(&body, 1024);
    AVER_ASSERT(aver_seal_offer(aver_hpke_key_public(seal_key()), AVER_VIEW_LITERAL("p"), enc,
                                &body, &seal) == AVER_OK);
    aver_buf_deinit(&body);
    return seal;
}

static void seal_fuzz_feed(aver_view bytes)
{
    char enc[65];
    aver_seal *seal = seal_fuzz_client(enc);
    aver_buf out;
    aver_buf_init(&out, 1 << 20);
    AVER_ASSERT(aver_seal_expect(seal, "00000000000000000000000000000000"
                                       "00000000000000000000000000000000") == AVER_OK);
    aver_err err = AVER_OK;
    for (size_t at = 0; at < bytes.size && err == AVER_OK; at += 7) {
        size_t size = bytes.size - at < 7 ? bytes.size - at : 7;
        err = aver_seal_feed(seal, aver_view_slice(bytes, at, size), &out);
    }
    AVER_ASSERT(out.size == 0);
    aver_buf_deinit(&out);
    aver_seal_free(seal);
}

static void seal_fuzz_receipt(aver_view bytes)
{
    char text[4096];
    char enc[65];
    aver_seal *seal = seal_fuzz_client(enc);
    aver_buf receipt;
    size_t size = bytes.size < sizeof(text) - 1 ? bytes.size : sizeof(text) - 1;
    memcpy(text, bytes.data, size);
    text[size] = '\0';
    aver_buf_init(&receipt, 8192);
    AVER_ASSERT(aver_seal_receipt_open(seal, text, &receipt) != AVER_OK && receipt.size == 0);
    seal_fuzz_accept(text, AVER_VIEW_LITERAL("\0\0\0\0"));
    aver_buf_deinit(&receipt);
    aver_seal_free(seal);
}

static void seal_fuzz_config(aver_view bytes)
{
    uint8_t key[32];
    if (aver_seal_key_config_parse(bytes, key) == AVER_OK) {
        AVER_ASSERT(memcmp(key, bytes.data + 3, 32) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    aver_view rest = aver_view_make(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        seal_fuzz_accept("a00de69d5aae9a331da5e6d3a1c2b7a5b2a0c1e2d3f4051627384950a1b2c3d4", rest);
        break;
    case 1:
        seal_fuzz_feed(rest);
        break;
    case 2:
        seal_fuzz_receipt(rest);
        break;
    default:
        seal_fuzz_config(rest);
        break;
    }
    return 0;
}
