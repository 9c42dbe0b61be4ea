/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign: files of other systems. The first byte says which format; a line "---" ends the message
 * and begins the report, another the session. Nothing that a stranger writes holds under a root
 * that he does not have.
 */
#include "aver/foreign.h"
#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static aver_view cut(aver_view *rest)
{
    static const char mark[] = "\n---\n";
    for (size_t i = 0; i + sizeof mark - 1 <= rest->size; i++) {
        if (memcmp(rest->data + i, mark, sizeof mark - 1) == 0) {
            aver_view part = aver_view_slice(*rest, 0, i);
            i += sizeof mark - 1;
            *rest = aver_view_slice(*rest, i, rest->size - i);
            return part;
        }
    }
    aver_view part = *rest;
    *rest = (aver_view){0};
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_foreign_judged judged;
    static const uint8_t nonce[32] = {0};
    if (size == 0) {
        return 0;
    }
    aver_view rest = aver_view_make(data + 1, size - 1);
    aver_view message = cut(&rest);
    aver_view report = cut(&rest);
    const aver_attest_input evidence = {.time_s = 1767225600};
    const aver_foreign_input input = {.message = message,
                                      .report = report,
                                      .session = rest,
                                      .request = &message,
                                      .response = &message,
                                      .nonce = nonce,
                                      .tls_key = nonce,
                                      .seal_key = nonce,
                                      .evidence = &evidence};
    aver_foreign format = (aver_foreign)(1 + data[0] % 3);
    const char *why = NULL;
    AVER_ASSERT(aver_foreign_judge(format, &input, &judged) == AVER_OK);
    AVER_ASSERT(judged.verdict.count > 0);
    AVER_ASSERT(!aver_foreign_holds(format, &input, &judged, &why) && why != NULL);
    aver_foreign_judged_deinit(&judged);
    (void)aver_foreign_detect(message, &format);
    return 0;
}
