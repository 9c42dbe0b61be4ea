/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that says two things: everything of it is aver-node-sim, but for what it signs. LIE in its
 * environment names the message: seed (the receipt's), opening, or head (the first of an answer).
 * The node's own code has no door for that: the linker puts these functions in the place of the
 * signing ones (--wrap).
 */
#include "aver/receipt.h"

#include <stdlib.h>
#include <string.h>

aver_err __real_aver_receipt_sign(const aver_receipt *receipt, const struct aver_ed25519 *key,
                                  aver_buf *ret_message);
aver_err __wrap_aver_receipt_sign(const aver_receipt *receipt, const struct aver_ed25519 *key,
                                  aver_buf *ret_message);
aver_err __real_aver_opening_sign(const aver_opening *opening, const struct aver_ed25519 *key,
                                  aver_buf *ret_message);
aver_err __wrap_aver_opening_sign(const aver_opening *opening, const struct aver_ed25519 *key,
                                  aver_buf *ret_message);
aver_err __real_aver_head_sign(const aver_head *head, const uint8_t incarnation[static 32],
                               const struct aver_ed25519 *key, aver_buf *ret_message);
aver_err __wrap_aver_head_sign(const aver_head *head, const uint8_t incarnation[static 32],
                               const struct aver_ed25519 *key, aver_buf *ret_message);

static bool double_lies(const char *about)
{
    const char *lie = getenv("LIE");
    return lie != NULL && strcmp(lie, about) == 0;
}

aver_err __wrap_aver_receipt_sign(const aver_receipt *receipt, const struct aver_ed25519 *key,
                                  aver_buf *ret_message)
{
    aver_receipt said = *receipt;
    said.seed += double_lies("seed") ? 1 : 0;
    return __real_aver_receipt_sign(&said, key, ret_message);
}

aver_err __wrap_aver_opening_sign(const aver_opening *opening, const struct aver_ed25519 *key,
                                  aver_buf *ret_message)
{
    aver_opening said = *opening;
    said.request_commitment[0] ^= double_lies("opening") ? 1 : 0;
    return __real_aver_opening_sign(&said, key, ret_message);
}

/* Only the first head of an answer lies: whoever keeps the last one alone does not notice. */
aver_err __wrap_aver_head_sign(const aver_head *head, const uint8_t incarnation[static 32],
                               const struct aver_ed25519 *key, aver_buf *ret_message)
{
    static uint8_t lied_to[32];
    aver_head said = *head;
    if (double_lies("head") && memcmp(lied_to, head->receipt_id, sizeof lied_to) != 0) {
        memcpy(lied_to, head->receipt_id, sizeof lied_to);
        said.root[0] ^= 1;
    }
    return __real_aver_head_sign(&said, incarnation, key, ret_message);
}
