/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519_point.h"

#include <openssl/bn.h>
#include <string.h>

/* The y of the points of small order below the prime; with either sign bit. */
static const uint8_t ed25519_small_order[5][AVER_ED25519_PUBLIC_BYTES] = {
    {0},
    {1},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

/* True if the little-endian y (sign bit cleared) is below 2^255 - 19. */
static bool ed25519_canonical(const uint8_t y[static AVER_ED25519_PUBLIC_BYTES])
{
    if (y[31] != 0x7f || y[0] < 0xed) {
        return true;
    }
    for (size_t i = 1; i < 31; i++) {
        if (y[i] != 0xff) {
            return true;
        }
    }
    return false;
}

bool aver_ed25519_point_acceptable(const uint8_t encoded[static AVER_ED25519_PUBLIC_BYTES])
{
    uint8_t y[AVER_ED25519_PUBLIC_BYTES];
    memcpy(y, encoded, sizeof y);
    y[31] &= 0x7f;
    if (!ed25519_canonical(y)) {
        return false;
    }
    for (size_t i = 0; i < sizeof ed25519_small_order / sizeof ed25519_small_order[0]; i++) {
        if (memcmp(y, ed25519_small_order[i], sizeof y) == 0) {
            return false;
        }
    }
    return true;
}

/* The curve's d and its field, in hexadecimal. */
static const char ed25519_d[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";
static const char ed25519_p[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";

/*
 * x^2 = (y^2 - 1) / (d y^2 + 1); a quotient is a square just when the product is, so the Kronecker
 * symbol of (y^2 - 1)(d y^2 + 1) decides: -1 means that there is no x.
 */
static int ed25519_square_symbol(BIGNUM *y, BIGNUM *d, const BIGNUM *p, BN_CTX *context)
{
    BIGNUM *u = BN_CTX_get(context);
    BIGNUM *v = BN_CTX_get(context);
    if (!v || !BN_mod_sqr(u, y, p, context) || !BN_mod_mul(v, u, d, p, context) ||
        !BN_sub_word(u, 1) || !BN_add_word(v, 1) || !BN_mod_mul(u, u, v, p, context)) {
        return -2;
    }
    return BN_kronecker(u, p, context);
}

aver_err aver_ed25519_point_exists(const uint8_t encoded[static AVER_ED25519_PUBLIC_BYTES])
{
    uint8_t bytes[AVER_ED25519_PUBLIC_BYTES];
    memcpy(bytes, encoded, sizeof bytes);
    bytes[31] &= 0x7f;
    aver_err err = AVER_E_CRYPTO;
    BN_CTX *context = BN_CTX_new();
    BIGNUM *d = NULL;
    BIGNUM *p = NULL;
    BIGNUM *y = BN_lebin2bn(bytes, sizeof bytes, NULL);
    if (context && y && BN_hex2bn(&d, ed25519_d) && BN_hex2bn(&p, ed25519_p)) {
        BN_CTX_start(context);
        int symbol = ed25519_square_symbol(y, d, p, context);
        BN_CTX_end(context);
        if (symbol >= -1) {
            err = symbol == -1 ? AVER_E_FORMAT : AVER_OK;
        }
    }
    BN_free(y);
    BN_free(p);
    BN_free(d);
    BN_CTX_free(context);
    return err;
}
