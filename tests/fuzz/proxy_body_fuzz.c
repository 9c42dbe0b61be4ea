/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_body: what is sealed is the client's document and the proxy's claims, no more and no less;
 * what is refused says how.
 */
#include "base/check.h"
#include "cli/proxy_body.h"
#include "codec/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sealed(aver_view body, aver_view sealed)
{
    json_t *before, *after;
    AVER_ASSERT(aver_json_parse(body, AVER_QUESTION_BODY_BYTES_MAX, &before, NULL) == AVER_OK);
    AVER_ASSERT(aver_json_parse(sealed, AVER_QUESTION_BODY_BYTES_MAX, &after, NULL) == AVER_OK);
    json_t *claims = json_object_get(after, "aver");
    AVER_ASSERT(json_object_size(claims) == 6);
    AVER_ASSERT(strcmp(json_string_value(json_object_get(claims, "path")), "/v1/x") == 0);
    AVER_ASSERT(strcmp(json_string_value(json_object_get(claims, "method")), "POST") == 0);
    (void)json_object_del(before, "aver");
    (void)json_object_del(after, "aver");
    AVER_ASSERT(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const aver_proxy_claims claims = {.path = "/v1/x", .base = {.deadline_ms = 1}};
    aver_view body = aver_view_make(data, size);
    aver_proxy_refusal refusal = {.status = 0};
    aver_proxy_body facts;
    aver_buf sealed;
    aver_buf_init(&sealed, AVER_QUESTION_BODY_BYTES_MAX);
    if (aver_proxy_body_make(body, &claims, &sealed, &facts, &refusal) == AVER_OK) {
        AVER_ASSERT(facts.choices > 0 && facts.model[sizeof(facts.model) - 1] == '\0');
        check_sealed(body, aver_buf_view(&sealed));
    } else {
        AVER_ASSERT(refusal.status >= 400 && refusal.message[0] != '\0' && sealed.size == 0);
    }
    aver_buf_deinit(&sealed);
    return 0;
}
