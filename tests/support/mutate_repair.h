/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_MUTATE_REPAIR_H
#define AVER_TESTS_SUPPORT_MUTATE_REPAIR_H

/*
 * mutate_repair: makes the rest of a changed capsule agree with the change, as far as an attacker
 * with these keys could. What is no longer there or has another shape is left as it is.
 */

#include "support/cbor_tree.h"
#include "support/mutate.h"

enum {
    REPAIR_DEVICE = 1 << 0,      /* the root's signature over the device */
    REPAIR_INCARNATION = 1 << 1, /* of keyset, receipt and kid: hash of the keyset's receipt key */
    REPAIR_BINDING = 1 << 2,     /* the statement's report data */
    REPAIR_STATEMENT = 1 << 3,   /* the device's signature over the statement */
    REPAIR_DIGESTS = 1 << 4,     /* of keyset and evidence, in receipt and opening */
    REPAIR_COMMITMENTS = 1 << 5, /* to request, response and tokens */
    REPAIR_EVENTS = 1 << 6,      /* number and root of the events */
    REPAIR_MESSAGES = 1 << 7,    /* the signatures of receipt, opening and head */
    REPAIR_ALL = (1 << 8) - 1,
    REPAIR_STRANGER = 1 << 8, /* the messages are signed, but by a stranger */
};

void mutate_repair(cbor_tree *tree, cbor_node *capsule, const mutate_keys *keys, unsigned what);

#endif
