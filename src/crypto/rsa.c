/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum { RSA_EXPONENT_BITS_MAX = 32, RSA_EXPONENT_MIN = 3 };

struct aver_rsa_key {
    EVP_PKEY *pkey;
    BIGNUM *modulus;
};

static bool rsa_numbers_sound(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);
    return bits >= AVER_RSA_BITS_MIN && bits <= AVER_RSA_BITS_MAX && bits % 8 == 0 &&
           BN_is_odd(n) && BN_is_odd(e) && BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX &&
           BN_get_word(e) >= RSA_EXPONENT_MIN;
}

/* What OpenSSL refuses here, after the numbers were found sound, it refuses for want of memory. */
static EVP_PKEY *rsa_pkey(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        params = OSSL_PARAM_BLD_to_param(builder);
    }
    if (context == NULL || params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return pkey;
}

/* Takes n. */
static aver_err rsa_key_of_numbers(BIGNUM *n, const BIGNUM *e, aver_rsa_key **ret_key)
{
    aver_err err = n == NULL || e == NULL ? AVER_E_NOMEM : AVER_OK;
    if (err == AVER_OK && !rsa_numbers_sound(n, e)) {
        err = AVER_E_FORMAT;
    }
    aver_rsa_key *key = err == AVER_OK ? OPENSSL_zalloc(sizeof *key) : NULL;
    if (err == AVER_OK && key == NULL) {
        err = AVER_E_NOMEM;
    }
    if (err == AVER_OK) {
        key->modulus = n;
        key->pkey = rsa_pkey(n, e);
        err = key->pkey == NULL ? AVER_E_NOMEM : AVER_OK;
        n = NULL;
    }
    if (err != AVER_OK) {
        BN_free(n);
        aver_rsa_key_free(key);
    } else {
        *ret_key = key;
    }
    ERR_clear_error();
    return err;
}

aver_err aver_rsa_key_new(aver_view modulus, aver_view exponent, aver_rsa_key **ret_key)
{
    if (modulus.size == 0 || modulus.size > AVER_RSA_BYTES_MAX || modulus.data[0] == 0 ||
        exponent.size == 0 || exponent.size > RSA_EXPONENT_BITS_MAX / 8 || exponent.data[0] == 0) {
        return AVER_E_FORMAT;
    }
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.size, NULL);
    aver_err err = rsa_key_of_numbers(BN_bin2bn(modulus.data, (int)modulus.size, NULL), e, ret_key);
    BN_free(e);
    return err;
}

void aver_rsa_key_free(aver_rsa_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pkey);
        BN_free(key->modulus);
    }
    OPENSSL_free(key);
}

size_t aver_rsa_key_bytes(const aver_rsa_key *key)
{
    return (size_t)BN_num_bytes(key->modulus);
}

size_t aver_rsa_key_modulus(const aver_rsa_key *key, uint8_t ret_modulus[static AVER_RSA_BYTES_MAX])
{
    return (size_t)BN_bn2bin(key->modulus, ret_modulus);
}

static bool rsa_set(EVP_PKEY_CTX *context, aver_rsa_padding padding, aver_rsa_hash hash)
{
    const EVP_MD *md = hash == AVER_RSA_SHA256   ? EVP_sha256()
                       : hash == AVER_RSA_SHA384 ? EVP_sha384()
                                                 : EVP_sha512();
    bool pss = padding == AVER_RSA_PSS;
    return EVP_PKEY_verify_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) ==
               1 &&
           EVP_PKEY_CTX_set_signature_md(context, md) == 1 &&
           (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) == 1);
}

aver_err aver_rsa_key_verify(const aver_rsa_key *key, aver_rsa_padding padding, aver_rsa_hash hash,
                             aver_view digest, aver_view signature)
{
    if (signature.size != aver_rsa_key_bytes(key)) {
        return AVER_E_FORMAT;
    }
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (context == NULL || !rsa_set(context, padding, hash)) {
        EVP_PKEY_CTX_free(context);
        ERR_clear_error();
        return AVER_E_NOMEM;
    }
    int verified =
        EVP_PKEY_verify(context, signature.data, signature.size, digest.data, digest.size);
    bool no_memory = verified != 1 && ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return verified == 1 ? AVER_OK : no_memory ? AVER_E_NOMEM : AVER_E_PROOF;
}
