/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_ATTEST_WRITE_H
#define AVER_TEST_ATTEST_WRITE_H

/*
 * attest_write: keeps what the tests of the TEE families judge, for verifiers other than this one.
 * Where the environment's AVER_CASES names a folder, each judgement is one line of its
 * cases.jsonl, an entry of a manifest as `aver vectors` reads it, and the bytes are files beside
 * it, named by their digests. The entry's "expect" is what was found here: verdict, class, all
 * checks that failed with their classes, and the claims.
 */

#include "support/forge.h"

/* Does nothing where AVER_CASES is not set; aborts the test where it cannot write. */
void attest_write(aver_family family, const aver_attest_input *input, const aver_verdict *verdict,
                  const aver_claims *claims, bool readable);

/* The same of a forged capsule, judged here by the forge's policy and context: a line of
 * capsules.jsonl, which web/verify/test/bundles.mjs reads. */
void attest_write_capsule(forge_state *forge);

#endif
