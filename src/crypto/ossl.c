/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ossl.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <pthread.h>

/* Room for some 30,000 keys of 32 bytes; TLS keeps its own there too. */
enum { OSSL_HEAP_BYTES = 1 << 20, OSSL_HEAP_PIECE_BYTES = 32 };

static pthread_once_t ossl_heap_once = PTHREAD_ONCE_INIT;
static pthread_once_t ossl_cipher_once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *ossl_ciphers[AVER_AEAD_CHACHA20_POLY1305 + 1];

static void ossl_heap_make(void)
{
    if (CRYPTO_secure_malloc_initialized()) {
        return;
    }
    int made = CRYPTO_secure_malloc_init(OSSL_HEAP_BYTES, OSSL_HEAP_PIECE_BYTES);
    if (made != 1) {
        aver_log(AVER_LOG_WARN, "ossl.heap",
                 made == 0 ? "no secure heap: keys lie in plain memory"
                           : "the secure heap cannot be locked");
    }
}

static void ossl_cipher_fetch(void)
{
    ossl_ciphers[AVER_AEAD_AES_128_GCM] = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    ossl_ciphers[AVER_AEAD_AES_256_GCM] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    ossl_ciphers[AVER_AEAD_CHACHA20_POLY1305] = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
}

void aver_ossl_secure_heap(void)
{
    (void)pthread_once(&ossl_heap_once, ossl_heap_make);
}

const EVP_CIPHER *aver_ossl_cipher(aver_aead_kind kind)
{
    (void)pthread_once(&ossl_cipher_once, ossl_cipher_fetch);
    return ossl_ciphers[kind];
}
