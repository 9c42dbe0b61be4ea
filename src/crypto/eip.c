/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "crypto/secp.h"

#include <stdio.h>
#include <string.h>

void aver_eip191_digest(aver_view text, uint8_t ret_digest[static 32])
{
    char head[64];
    int length = snprintf(head, sizeof head,
                          "\x19"
                          "Ethereum Signed Message:\n%zu",
                          text.size);
    AVER_ASSERT(length > 0 && (size_t)length < sizeof head);
    aver_keccak256_joined(aver_view_make(head, (size_t)length), text, ret_digest);
}

void aver_eip712_digest(const uint8_t domain_separator[static 32],
                        const uint8_t struct_hash[static 32], uint8_t ret_digest[static 32])
{
    uint8_t bytes[2 + 32 + 32] = {0x19, 0x01};
    memcpy(bytes + 2, domain_separator, 32);
    memcpy(bytes + 34, struct_hash, 32);
    aver_keccak256_of(AVER_VIEW_OF(bytes), ret_digest);
}

/* EIP-55: a letter is upper-case where the keccak of the lower-case digits has a nibble above 7. */
void aver_address_text(const uint8_t address[static 20], char ret_text[static 43])
{
    char digits[41];
    aver_hex_encode(aver_view_make(address, 20), digits);
    uint8_t digest[32];
    aver_keccak256_of(aver_view_make(digits, 40), digest);
    ret_text[0] = '0';
    ret_text[1] = 'x';
    for (size_t i = 0; i < 40; i++) {
        bool raise = (digest[i / 2] >> (i % 2 ? 0 : 4) & 15) > 7;
        ret_text[2 + i] = raise && digits[i] >= 'a' ? (char)(digits[i] - 'a' + 'A') : digits[i];
    }
    ret_text[42] = '\0';
}
