/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/compare.h"

#include "base/secret.h"
#include "codec/text.h"

#include <string.h>

enum { COMPARE_SHORT_BYTES = 8 };

aver_short aver_short_of(aver_view bytes)
{
    aver_short result = {{0}};
    size_t size = bytes.size < COMPARE_SHORT_BYTES ? bytes.size : COMPARE_SHORT_BYTES;
    aver_hex_encode(aver_view_slice(bytes, 0, size), result.text);
    if (bytes.size > COMPARE_SHORT_BYTES) {
        memcpy(result.text + (size_t)2 * COMPARE_SHORT_BYTES, "…", sizeof "…");
    }
    return result;
}

void aver_verdict_compare(aver_verdict *verdict, const char *name, const char *what,
                          aver_view found, aver_view wanted, const char *source)
{
    if (aver_equal_secret(found, wanted)) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s %s", what, aver_short_of(found).text);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_FAIL, "%s is %s, not %s of %s", what,
                         aver_short_of(found).text, aver_short_of(wanted).text, source);
    }
}

void aver_verdict_skip_all(aver_verdict *verdict, const char *const *names, const char *reason)
{
    for (; *names; names++) {
        if (!aver_verdict_find(verdict, *names)) {
            aver_verdict_add(verdict, *names, AVER_CHECK_SKIP, "%s", reason);
        }
    }
}
