/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/peek.h"

#include "base/sys.h"

aver_err aver_peek(aver_view bundle, const aver_platform *const *platforms, aver_judged *ret_judged)
{
    aver_policy *nothing = NULL;
    char why[200];
    aver_err err =
        aver_policy_parse(AVER_VIEW_LITERAL("{\"version\":1,\"name\":\"nothing\"}"), &nothing, why);
    if (err != AVER_OK) {
        return err;
    }
    aver_verify_context context = {.use = AVER_USE_BUNDLE,
                                   .policy = nothing,
                                   .platforms = platforms,
                                   .now_ms = aver_time_wall_ms()};
    aver_verdict verdict;
    aver_verdict_init(&verdict);
    err = aver_verify_bundle(bundle, &context, &verdict, ret_judged);
    aver_policy_free(nothing);
    if (err == AVER_OK && (!ret_judged->parsed || !ret_judged->has_claims)) {
        err = AVER_E_FORMAT;
    }
    return err;
}
