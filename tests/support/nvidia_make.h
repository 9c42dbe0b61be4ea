/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_NVIDIA_MAKE_H
#define AVER_TEST_NVIDIA_MAKE_H

/*
 * nvidia_make: reports of NVIDIA devices, their certificates and signed reference values, under
 * roots of the test. A recipe's defaults hold; its members are the faults.
 */

#include "support/pki.h"

enum { NVIDIA_MAKE_BLOCKS = 40 };

typedef struct nvidia_recipe {
    unsigned device; /* another number is another device: keys 4 * device on */
    uint8_t version, code, param1, param2, slot;                     /* of the request */
    uint8_t answer_version, answer_code, answer_param1, answer_slot; /* of the response */
    uint8_t nonce[32];
    const char *driver; /* NULL: a switch */
    bool no_fwid, other_fwid, no_cert_fwid, broken_cert_fwid;
    bool tcb_info;          /* the certificate's words in DiceTcbInfo */
    bool critical;          /* the extension is critical */
    bool decoder_on;        /* NVDEC0 */
    bool same_index, spare; /* a block twice; a byte behind the blocks */
    bool short_digest;
    bool field_twice;
    bool other_signer;
    bool leaf_is_ca, leaf_p256;
    uint64_t leaf_to_s;
} nvidia_recipe;

extern const nvidia_recipe nvidia_recipe_good;

typedef struct nvidia_values {
    const char *version, *edition;
    unsigned from, to; /* indices that are active: from <= i < to */
    unsigned wrong;    /* this index has another digest; 0: none */
    bool other_signer, leaf_is_ca;
    uint64_t leaf_to_s;
    const char *replace, *with; /* in the text, before it is signed */
    const char *tamper, *into;  /* in the text, afterwards */
} nvidia_values;

typedef struct nvidia_made {
    pki_cert root, maker, chip, leaf;
    pki_cert values_root, values_ca;
    aver_buf report, chain;
} nvidia_made;

void nvidia_make(const nvidia_recipe *recipe, nvidia_made *ret_made);
void nvidia_made_deinit(nvidia_made *made);
/* Appends the XML. */
void nvidia_make_values(const nvidia_made *made, const nvidia_values *values, aver_buf *out);

#endif
