/* SPDX-License-Identifier: Apache-2.0 */
#include "support/snp_make.h"

#include "base/check.h"
#include "crypto/hash.h"

#include <string.h>

#define OID "1.3.6.1.4.1.3704.1."

static void put_le(uint8_t *place, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        place[i] = (uint8_t)(value >> 8 * i);
    }
}

static void certificates_make(const snp_recipe *recipe, const uint8_t chip[64], snp_made *made)
{
    static const uint8_t product[] = {0x16, 8, 'M', 'i', 'l', 'a', 'n', '-', 'B', '0'};
    static const uint8_t levels[4][4] = {{2, 1, 4}, {2, 1, 0}, {2, 1, 24}, {2, 2, 0, 219}};
    const pki_extension extensions[] = {{.oid = OID "2", .value = AVER_VIEW_OF(product)},
                                        {.oid = OID "3.1", .value = {levels[0], 3}},
                                        {.oid = OID "3.2", .value = {levels[1], 3}},
                                        {.oid = OID "3.3", .value = {levels[2], 3}},
                                        {.oid = OID "3.8", .value = {levels[3], 4}},
                                        {.oid = OID "4", .value = {chip, 64}},
                                        {.oid = NULL}};
    static const uint64_t serials[] = {2, 0};
    made->root = pki_cert_make(&(pki_options){.name = "ARK-Milan",
                                              .key = pki_key(10, PKI_RSA2048),
                                              .ca = true,
                                              .path_length = -1,
                                              .pss = true});
    made->middle = pki_cert_make(&(pki_options){.name = "SEV-Milan",
                                                .key = pki_key(11, PKI_RSA2048),
                                                .issuer = &made->root,
                                                .ca = true,
                                                .path_length = 0,
                                                .serial = 2,
                                                .pss = true});
    made->leaf = pki_cert_make(&(pki_options){.name = "SEV-VCEK",
                                              .key = pki_key(12, PKI_P384),
                                              .issuer = &made->middle,
                                              .no_usage = true,
                                              .serial = 3,
                                              .extensions = extensions,
                                              .pss = true});
    aver_buf_init(&made->chain, 65536);
    pki_pem(&made->middle, &made->chain);
    pki_pem(&made->root, &made->chain);
    aver_buf_init(&made->crl, 65536);
    pki_crl(&(pki_crl_options){.issuer = &made->root,
                               .to_s = recipe->crl_to_s,
                               .revoked = recipe->revoked ? serials : NULL,
                               .pss = true},
            &made->crl);
}

void snp_make(const snp_recipe *recipe, snp_made *ret_made)
{
    uint8_t *at = ret_made->report;
    uint8_t chip[64];
    uint8_t digest[48];
    uint8_t signature[132];
    memset(at, 0, sizeof ret_made->report);
    for (size_t i = 0; i < sizeof chip; i++) {
        chip[i] = (uint8_t)(i + 1);
        at[0x1a0 + i] = chip[i];
    }
    chip[0] ^= recipe->other_chip ? 0x80 : 0;
    certificates_make(recipe, chip, ret_made);
    put_le(at, recipe->version2 ? 2 : 3, 4);
    put_le(at + 0x08, 0x30000, 8);
    put_le(at + 0x34, 1, 4);
    put_le(at + 0x48, recipe->vlek ? 4 : 0, 4);
    if (recipe->report_data != NULL) {
        memcpy(at + 0x50, recipe->report_data, 64);
    }
    memset(at + 0x90, 0x11, 48);
    static const size_t levels[] = {0x38, 0x180, 0x1e0, 0x1f0};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        put_le(at + levels[i], UINT64_C(0xdb18000000000004), 8);
    }
    at[0x188] = recipe->version2 ? 0 : 0x19;
    at[0x189] = recipe->version2 ? 0 : 1;
    aver_sha384_of(aver_view_make(at, SNP_MAKE_SIGNED_BYTES), digest);
    AVER_ASSERT(pki_sign(ret_made->leaf.key, AVER_VIEW_OF(digest), signature) == 96);
    for (size_t i = 0; i < 48; i++) {
        at[SNP_MAKE_SIGNED_BYTES + i] = signature[47 - i];
        at[SNP_MAKE_SIGNED_BYTES + 72 + i] = signature[95 - i];
    }
}

void snp_unmake(snp_made *made)
{
    pki_cert_deinit(&made->root);
    pki_cert_deinit(&made->middle);
    pki_cert_deinit(&made->leaf);
    aver_buf_deinit(&made->chain);
    aver_buf_deinit(&made->crl);
}
